import { spawn } from "node:child_process";

/**
 * How a vendor's tool may take, in milliseconds: 2 s gave floods of false alarms on busy machines, and a healthy one
 * without persistence mode takes up to 5 s.
 */
export const DEADLINE_MS = 8_000;
/** After SIGKILL, in milliseconds; a child that is still there then waits inside the driver and cannot be killed. */
const REAP_MS = 1_000;
/** Sixteen cards answer in 20 kB. */
const OUTPUT_BYTES_MAX = 1024 * 1024;

export type CommandResult =
  | { readonly kind: "exited"; readonly code: number | null; readonly stdout: string; readonly stderr: string }
  /** No such program. */
  | { readonly kind: "missing" }
  /** It could not be started for another reason (no processes or descriptors left). */
  | { readonly kind: "failed"; readonly message: string }
  /** Killed at the deadline. */
  | { readonly kind: "late" }
  /** Not even SIGKILL ends it; `gone` resolves when it does end. */
  | { readonly kind: "stuck"; readonly gone: Promise<void> };

export interface CommandOptions {
  readonly deadlineMs?: number;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a vendor's tool in its own process group, never longer than the deadline and one second. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    // Its own group: a tool that is a script takes its children with it.
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      env: options.env ?? process.env,
    });
    const output = { stdout: "", stderr: "" };
    let gone = (): void => undefined;
    let deadline: NodeJS.Timeout | undefined;
    let reap: NodeJS.Timeout | undefined;
    const settle = (result: CommandResult): void => {
      clearTimeout(deadline);
      clearTimeout(reap);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(result);
      gone();
    };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        if (output[stream].length < OUTPUT_BYTES_MAX) output[stream] += text;
      });
    }
    child.on("error", (error: NodeJS.ErrnoException) =>
      settle(error.code === "ENOENT" ? { kind: "missing" } : { kind: "failed", message: error.message }),
    );
    child.on("close", (code) => settle({ kind: "exited", code, ...output }));
    deadline = setTimeout(() => {
      child.removeAllListeners("close");
      child.on("exit", () => settle({ kind: "late" }));
      kill(child.pid);
      reap = setTimeout(() => {
        child.unref();
        const ended = new Promise<void>((done) => (gone = done));
        resolve({ kind: "stuck", gone: ended });
      }, REAP_MS);
    }, options.deadlineMs ?? DEADLINE_MS);
  });
}

function kill(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}
