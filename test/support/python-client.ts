import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The interpreter of an environment with those packages, made at first use and kept in ~/.cache/weft under that name. Rejects with pip's
 * words; `undefined` when there is no python3 with an index that answers.
 */
export async function clientPython(name: string, packages: readonly string[]): Promise<string | undefined> {
  const cache = process.env["XDG_CACHE_HOME"] || join(process.env["HOME"] || homedir(), ".cache");
  const folder = join(cache, "weft", "clients", name);
  const done = join(folder, "complete");
  const python = join(folder, "bin", "python");
  if (existsSync(done)) return python;
  try {
    await run("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", join(folder, "probe"), "six"]);
  } catch {
    return undefined;
  }
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  await run(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...packages]);
  mkdirSync(`${done}.part`);
  renameSync(`${done}.part`, done);
  return python;
}

/** Runs a script of tests; gives what it said on stderr, and rejects with it when a test failed. `onSaid` hears stdout meanwhile. */
export async function runClient(
  python: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onSaid: (text: string) => void = () => undefined,
): Promise<string> {
  const variables = { ...process.env, PYTHONWARNINGS: "ignore", ...env };
  const running = run(python, [script, ...args], { env: variables });
  running.child.stdout?.on("data", (text) => onSaid(String(text)));
  const { stderr } = await running.catch((error: unknown) => {
    throw new Error((error as { stderr?: string }).stderr ?? String(error));
  });
  return stderr;
}
