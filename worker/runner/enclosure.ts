import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A control group that the runner sits in itself (version 2; it needs no controller). What it starts is in it from the
 * first moment, at no price, and an unprivileged process cannot leave. It says of a process only that it comes from some
 * attempt of this runner; from which one, the census finds out.
 */
export interface Enclosure {
  /** All processes in it, the runner among them. */
  pids(): number[];
  /** Steps out and removes it; what is left in it stays. */
  leave(): void;
}

/** Of an earlier runner of the folder that died: what it left is killed with the group. */
const KILL_MS_MAX = 2000;

const STALE = /^weft-[0-9a-f]{16}-all$/;

/** Undefined: there is no version 2 hierarchy here, or it may not be written. */
export function enterEnclosure(name: string): Enclosure | undefined {
  try {
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync("/proc/self/mounts", "utf8"))?.[1];
    const path = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
    if (mount === undefined || path === undefined) return undefined;
    const parent = join(mount, path);
    const group = join(parent, name);
    removeStale(parent);
    mkdirSync(group, { recursive: true });
    empty(group);
    writeFileSync(join(group, "cgroup.procs"), String(process.pid));
    return {
      pids: () => members(group),
      leave() {
        try {
          writeFileSync(join(parent, "cgroup.procs"), String(process.pid));
          rmdirSync(group);
        } catch {
          // Somebody is still in it, or the folder above it has other rules by now; the next runner takes it over.
        }
      },
    };
  } catch {
    return undefined;
  }
}

/** Groups of runners that were killed and whose folder nobody uses any more; one with a process in it cannot be removed. */
function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!STALE.test(name)) continue;
    try {
      rmdirSync(join(parent, name));
    } catch {
      // In use.
    }
  }
}

function empty(group: string): void {
  const deadlineMs = performance.now() + KILL_MS_MAX;
  for (let pids = members(group); pids.length > 0 && performance.now() < deadlineMs; pids = members(group)) {
    for (const pid of pids) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    }
  }
}

function members(group: string): number[] {
  try {
    return readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
