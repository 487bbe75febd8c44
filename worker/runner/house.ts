import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PROCESS } from "../folder.ts";
import { removeStrayContainer } from "./container.ts";
import { readExit } from "./exit.ts";
import { Marks } from "./marks.ts";
import { isSame } from "./proc.ts";
import type { ProcessRecord } from "./protocol.ts";

/** A process that outlives SIGKILL for longer is stuck in the kernel, and the runner starts without it. */
const STRAYS_MS_MAX = 10_000;
const STRAYS_PAUSE_MS = 20;

/**
 * Kills what an earlier runner, which died, has left running: nobody can say any more how it ends. The process group of
 * each attempt whose end is not recorded, and every process with the mark of an attempt of this folder. Returns how many.
 */
export async function killStrays(attemptsDir: string): Promise<number> {
  const folders = readdirSync(attemptsDir).map((name) => join(attemptsDir, name));
  await Promise.all(folders.filter((folder) => !readExit(folder)).map(removeStrayContainer));
  const marks = new Marks(attemptsDir);
  const deadlineMs = performance.now() + STRAYS_MS_MAX;
  const killed = new Set<number>();
  for (const group of orphanedGroups(attemptsDir)) {
    kill(-group);
    killed.add(group);
  }
  for (;;) {
    const strays = marks.bearers();
    if (strays.length === 0 || performance.now() > deadlineMs) return killed.size;
    for (const { pid } of strays) {
      kill(pid);
      killed.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, STRAYS_PAUSE_MS));
  }
}

function orphanedGroups(attemptsDir: string): number[] {
  return readdirSync(attemptsDir).flatMap((name) => {
    const folder = join(attemptsDir, name);
    if (readExit(folder)) return [];
    try {
      const { pid, startTicks } = JSON.parse(readFileSync(join(folder, PROCESS), "utf8")) as ProcessRecord;
      return isSame(pid, startTicks) ? [pid] : [];
    } catch {
      return [];
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
