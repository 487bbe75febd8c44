import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { EnvironmentError } from "./failure.ts";
import { findProgram } from "./program.ts";

export interface Interpreter {
  /** Absolute path, behind whatever shim stands on PATH. */
  readonly path: string;
  /** "3.11.7" */
  readonly version: string;
  /** What compiled packages must fit: "cpython-311-x86_64-linux-gnu". */
  readonly platform: string;
  /** Its pip can install into another environment (`--python`, since 22.3); false: it has none, or an older one. */
  readonly pipReaches: boolean;
}

/** An interpreter says who it is in some 30 ms; one that does not in this time hangs. */
const ASK_MS_MAX = 20_000;
/** Who upgrades Python on a machine waits this long for new environments to use it. */
const KNOWN_MS = 60_000;
const QUESTION = [
  "import importlib.metadata, json, sys, sysconfig",
  "try: pip = importlib.metadata.version('pip')",
  "except importlib.metadata.PackageNotFoundError: pip = '0'",
  "print(json.dumps([sys.executable, '%d.%d.%d' % sys.version_info[:3],",
  " sysconfig.get_config_var('SOABI') or sysconfig.get_platform(), pip]))",
].join("\n");

const known = new Map<string, { readonly atMs: number; readonly interpreter: Promise<Interpreter | undefined> }>();

/**
 * The Python of that version on the machine: `python3.11`, `python3` or `python` on PATH, or one that uv has installed.
 * Null: whichever comes first. Throws EnvironmentError.
 */
export async function findInterpreter(
  version: string | null,
  env: Readonly<Record<string, string>>,
): Promise<Interpreter> {
  const path = env["PATH"] ?? "";
  const short = version === null ? [] : [`python${version.split(".").slice(0, 2).join(".")}`];
  const seen: string[] = [];
  for (const name of [...short, "python3", "python"]) {
    const program = findProgram(name, path);
    const found = program === undefined ? undefined : await ask(program, env);
    if (found && fits(found, version)) return found;
    if (found) seen.push(found.version);
  }
  const uv = findProgram("uv", path);
  const managed = uv === undefined ? undefined : await managedBy(uv, version, env);
  if (managed) return managed;
  const wanted = version === null ? "Python" : `Python ${version}`;
  const there = seen.length === 0 ? "no python3" : `Python ${[...new Set(seen)].join(", ")}`;
  throw new EnvironmentError(
    `this node has no ${wanted}: on the agent's PATH is ${there}; install it there, or ask for another pythonVersion`,
  );
}

function fits({ version }: Interpreter, wanted: string | null): boolean {
  return wanted === null ? version.startsWith("3.") : version === wanted || version.startsWith(`${wanted}.`);
}

function ask(program: string, env: Readonly<Record<string, string>>): Promise<Interpreter | undefined> {
  const before = known.get(program);
  if (before && performance.now() - before.atMs < KNOWN_MS) return before.interpreter;
  const interpreter = promisify(execFile)(program, ["-I", "-c", QUESTION], { env, cwd: "/", timeout: ASK_MS_MAX }).then(
    ({ stdout }): Interpreter => {
      const [path, version, platform, pip] = JSON.parse(stdout) as [string, string, string, string];
      const [major = 0, minor = 0] = pip.split(".").map(Number);
      return { path, version, platform, pipReaches: major > 22 || (major === 22 && minor >= 3) };
    },
    // A shim without a Python behind it, or something that is no Python.
    () => undefined,
  );
  known.set(program, { atMs: performance.now(), interpreter });
  return interpreter;
}

async function managedBy(
  uv: string,
  version: string | null,
  env: Readonly<Record<string, string>>,
): Promise<Interpreter | undefined> {
  const args = ["python", "find", "--no-project", ...(version === null ? [] : [version])];
  const found = await promisify(execFile)(uv, args, { env, cwd: "/", timeout: ASK_MS_MAX }).catch(() => undefined);
  const interpreter = found && (await ask(found.stdout.trim(), env));
  return interpreter && fits(interpreter, version) ? interpreter : undefined;
}
