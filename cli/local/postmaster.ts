import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import type { Account } from "./account.ts";

/** A fast shutdown that takes longer than this is made an immediate one (recovered from WAL at the next start). */
const FAST_LIMIT_MS = 20_000;
const IMMEDIATE_LIMIT_MS = 5_000;
const LOOK_MS = 25;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The command line of a process, "" when it is gone or may not be read. */
export function commandOf(pid: number): string {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")
      : execFileSync("ps", ["-o", "command=", "-p", String(pid)], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
  } catch {
    return "";
  }
}

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (isAlive(pid)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return true;
}

/**
 * Stops the postmaster that a killed start of ours left on this data folder, should there be one, and takes away a
 * postmaster.pid whose number another program has meanwhile: Postgres would refuse to start for it.
 */
export async function stopOrphan(data: string, account: Account | undefined): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  } catch {
    return;
  }
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return;
  if (!commandOf(pid).includes(data)) {
    rmSync(pidFile, { force: true });
    return;
  }
  const send = (signal: "SIGINT" | "SIGQUIT"): void => {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EPERM") return;
      const who = account === undefined ? "" : ` (user ${account.name})`;
      throw new WeftError(
        "failed_precondition",
        `Postgres with process id ${pid} still runs on ${data} and belongs to another user${who}. Stop it: kill -INT ${pid}`,
      );
    }
  };
  send("SIGINT");
  if (await goneWithin(pid, FAST_LIMIT_MS)) return;
  send("SIGQUIT");
  if (await goneWithin(pid, IMMEDIATE_LIMIT_MS)) return;
  throw new WeftError(
    "failed_precondition",
    `Postgres with process id ${pid} runs on ${data} and does not stop. Stop it: kill -9 ${pid}`,
  );
}
