import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { commandOf, goneWithin, isRunning, processId, sendSignal } from "./process-id.ts";

/** A fast shutdown that takes longer than this is made an immediate one (recovered from WAL at the next start). */
const FAST_LIMIT_MS = 20_000;
const IMMEDIATE_LIMIT_MS = 5_000;

/**
 * Stops the postmaster that a killed start of ours left on this data folder, should there be one, and takes away a
 * postmaster.pid whose number another program has meanwhile: Postgres would refuse to start for it.
 */
export async function stopOrphan(data: string): Promise<void> {
  const pidFile = join(data, "postmaster.pid");
  let pid: number;
  try {
    pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  } catch {
    return;
  }
  const postmaster = processId(pid);
  if (!Number.isInteger(pid) || pid <= 0 || !isRunning(postmaster)) return;
  if (!commandOf(pid).includes(data)) {
    rmSync(pidFile, { force: true });
    return;
  }
  if (!sendSignal(pid, "SIGINT")) {
    throw new WeftError(
      "failed_precondition",
      `Postgres with process id ${pid} still runs on ${data} and belongs to another user. Stop it: kill -INT ${pid}`,
    );
  }
  if (await goneWithin(postmaster, FAST_LIMIT_MS)) return;
  sendSignal(pid, "SIGQUIT");
  if (await goneWithin(postmaster, IMMEDIATE_LIMIT_MS)) return;
  throw new WeftError(
    "failed_precondition",
    `Postgres with process id ${pid} runs on ${data} and does not stop. Stop it: kill -9 ${pid}`,
  );
}
