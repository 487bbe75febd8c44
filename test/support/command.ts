import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** What `npm run build` makes: faults are tried on what users run. */
export const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");

export interface Outcome {
  readonly exitCode: number | null;
  /** As written: tasks may print any bytes. */
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Command {
  readonly child: ChildProcess;
  /** What came so far. */
  readonly stdout: () => string;
  readonly done: Promise<Outcome>;
}

/** Starts one command of the command line against the server at `grpc` (HOST:PORT). */
export function startWeft(
  grpc: string,
  args: readonly string[],
  cwd?: string,
  variables: NodeJS.ProcessEnv = {},
): Command {
  const env: NodeJS.ProcessEnv = { ...process.env, WEFT_HOME: undefined, WEFT_SERVER: grpc, ...variables };
  const child = spawn(process.execPath, [MAIN, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
  const done = once(child, "close").then(([exitCode]) => ({
    exitCode: exitCode as number | null,
    stdout: Buffer.concat(out),
    stderr: Buffer.concat(err).toString("utf8"),
  }));
  return { child, stdout: () => Buffer.concat(out).toString("utf8"), done };
}

export interface JobJson {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly tasks: readonly {
    readonly name: string;
    readonly index: number;
    readonly state: string;
    readonly attempt: number;
    readonly node: string | null;
    readonly exitCode: number | null;
    readonly reason: string | null;
    readonly message: string;
    readonly failures: number;
    readonly losses: number;
    readonly result: unknown;
    readonly cache: string | null;
    readonly map: Readonly<Record<string, unknown>>;
  }[];
}

/** Runs one command to its end. */
export function weft(grpc: string, args: readonly string[], cwd?: string): Promise<Outcome> {
  return startWeft(grpc, args, cwd).done;
}

/** Runs one that must succeed with `--json`, and gives what it printed. */
export async function weftJson<T>(grpc: string, args: readonly string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await weft(grpc, [...args, "--json"]);
  if (exitCode !== 0) throw new Error(`weft ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout.toString("utf8")) as T;
}

/** Submits and gives the job's id. */
export async function submit(grpc: string, file: string, ...flags: string[]): Promise<string> {
  return (await weftJson<{ id: string }>(grpc, ["submit", file, ...flags])).id;
}
