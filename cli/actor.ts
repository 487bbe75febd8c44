import { userInfo } from "node:os";

/** Who does it, as the histories of models and data sets tell: WEFT_USER, else the account of this machine. */
export function actor(env: NodeJS.ProcessEnv): string {
  const said = env["WEFT_USER"];
  if (said) return said;
  try {
    return userInfo().username;
  } catch {
    return ""; // A container may run as a number that no account has.
  }
}
