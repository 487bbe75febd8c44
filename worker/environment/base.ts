import { homedir, userInfo } from "node:os";

/** What every process sees. Not the agent's own variables: there may be secrets among them. */
export function baseEnvironment(): Record<string, string> {
  const { PATH, LANG } = process.env;
  return {
    PATH: PATH ?? "/usr/local/bin:/usr/bin:/bin",
    ...account(),
    LANG: LANG ?? "C.UTF-8",
  };
}

/** In a container the user may be a number that no password file knows. */
function account(): { HOME: string; USER: string } {
  const { HOME } = process.env;
  try {
    return { HOME: HOME ?? homedir(), USER: userInfo().username };
  } catch {
    return { HOME: HOME ?? "/", USER: String(process.getuid?.() ?? "") };
  }
}
