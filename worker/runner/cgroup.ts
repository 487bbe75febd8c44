import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Control groups for attempts with a memory limit: the kernel then holds the whole tree to it, counts exactly and
 * nobody can leave. Version 2 where a folder with the memory controller is ours to fill, else version 1's memory
 * hierarchy where it may be written; else none, and the runner samples. The process
 * enters by itself (see `enter`), so nothing it does is outside.
 */
export interface CgroupHost {
  /** Undefined: the kernel refused (limit on the number of groups, say): the caller samples instead. */
  create(key: string, memoryBytes: number): Cgroup | undefined;
  /** Removes what `findCgroups` made; when no group is left. */
  close(): void;
}

export interface Cgroup {
  /** The argument list that enters the group and then becomes `argv`. `argv[0]` must be there: a shell says "not found" with 127. */
  enter(argv: readonly string[]): string[];
  pids(): number[];
  /** CPU time is undefined where no controller counts it. */
  usage(): { readonly cpuMs: number | undefined; readonly peakMemoryBytes: number };
  /** Processes that the kernel killed because the group had reached its limit. */
  oomKills(): number;
  /** False: still in use. */
  remove(): boolean;
}

/** `name` tells the groups of this runner from another's. Groups that an earlier runner of that name left are removed if empty. */
export function findCgroups(name: string): CgroupHost | undefined {
  for (const [version, folder] of candidates()) {
    const host = version === 2 ? openVersion2(join(folder, name), folder) : openVersion1(join(folder, name), name);
    if (host) return host;
  }
  return undefined;
}

/** Where this process is in the memory hierarchies, see man 7 cgroups. */
function candidates(): [version: 1 | 2, folder: string][] {
  const found: [1 | 2, string][] = [];
  const mounts = lines("/proc/self/mounts").map((line) => line.split(" "));
  for (const line of lines("/proc/self/cgroup")) {
    const [, controllers, path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const unified = controllers === "";
    if (!unified && !controllers?.split(",").includes("memory")) continue;
    const mount = mounts.find(([, , type, options]) =>
      unified ? type === "cgroup2" : type === "cgroup" && options?.split(",").includes("memory"),
    )?.[1];
    if (mount === undefined) continue;
    // In a container the path may be one of the host's; what is mounted is then the container's own.
    for (const folder of [join(mount, path), mount]) {
      if (isWritable(folder)) {
        found.push([unified ? 2 : 1, folder]);
        break;
      }
    }
  }
  return found.toSorted(([a], [b]) => b - a);
}

function openVersion2(folder: string, parent: string): CgroupHost | undefined {
  try {
    if (!readFileSync(join(parent, "cgroup.controllers"), "utf8").split(/\s/).includes("memory")) return undefined;
    // Refused where processes sit in the parent itself: then the group was not delegated for this.
    writeFileSync(join(parent, "cgroup.subtree_control"), "+memory");
    prepare(folder);
    writeFileSync(join(folder, "cgroup.subtree_control"), "+memory");
  } catch {
    return undefined;
  }
  return {
    close: () => void tryRemove(folder),
    create(key, memoryBytes) {
      const group = join(folder, key);
      return attempt(group, () => {
        mkdirSync(group);
        writeFileSync(join(group, "memory.max"), String(memoryBytes));
        tryWrite(join(group, "memory.swap.max"), "0");
        tryWrite(join(group, "memory.oom.group"), "1");
        return {
          ...entrance([group]),
          usage: () => ({
            cpuMs: Number(/usage_usec (\d+)/.exec(text(join(group, "cpu.stat")))?.[1] ?? NaN) / 1000 || undefined,
            peakMemoryBytes: Number(text(join(group, "memory.peak"))) || 0,
          }),
          oomKills: () => Number(/^oom_kill (\d+)/m.exec(text(join(group, "memory.events")))?.[1] ?? 0),
        };
      });
    },
  };
}

function openVersion1(folder: string, name: string): CgroupHost | undefined {
  const accounting = lines("/proc/self/mounts")
    .find((line) => / cgroup \S*\bcpuacct\b/.test(line))
    ?.split(" ")[1];
  let cpuFolder: string | undefined = accounting && join(accounting, name);
  try {
    prepare(folder);
    writeFileSync(join(folder, "memory.use_hierarchy"), "1");
  } catch {
    if (!isWritable(folder)) return undefined;
  }
  try {
    if (cpuFolder) prepare(cpuFolder);
  } catch {
    cpuFolder = undefined;
  }
  return {
    close: () => void [folder, cpuFolder ?? folder].map(tryRemove),
    create(key, memoryBytes) {
      const group = join(folder, key);
      const cpuGroup = cpuFolder && join(cpuFolder, key);
      return attempt(group, () => {
        mkdirSync(group);
        writeFileSync(join(group, "memory.limit_in_bytes"), String(memoryBytes));
        tryWrite(join(group, "memory.memsw.limit_in_bytes"), String(memoryBytes));
        if (cpuGroup) mkdirSync(cpuGroup);
        return {
          ...entrance(cpuGroup ? [group, cpuGroup] : [group]),
          usage: () => ({
            cpuMs: cpuGroup === undefined ? undefined : Number(text(join(cpuGroup, "cpuacct.usage"))) / 1e6,
            peakMemoryBytes: Number(text(join(group, "memory.max_usage_in_bytes"))) || 0,
          }),
          oomKills: () => Number(/^oom_kill (\d+)/m.exec(text(join(group, "memory.oom_control")))?.[1] ?? 0),
        };
      });
    },
  };
}

/** `echo 0` names the writer: the shell that then becomes the task, so no moment of it is outside. */
const ENTER = 'for c in "$1" "$2"; do { echo 0 >"$c/cgroup.procs"; } 2>/dev/null; done; shift 2; exec "$@"';

function entrance(groups: readonly string[]): Pick<Cgroup, "enter" | "pids" | "remove"> {
  return {
    enter: (argv) => ["/bin/sh", "-c", ENTER, "sh", groups[0]!, groups[1] ?? groups[0]!, ...argv],
    pids: () => text(join(groups[0]!, "cgroup.procs")).split("\n").filter(Boolean).map(Number),
    remove: () => groups.map(tryRemove).every(Boolean),
  };
}

function prepare(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) tryRemove(join(folder, entry.name));
  }
}

function attempt(group: string, make: () => Cgroup): Cgroup | undefined {
  try {
    return make();
  } catch {
    tryRemove(group);
    return undefined;
  }
}

function tryRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function tryWrite(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch {
    // This kernel has no such limit (no swap accounting, say).
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function lines(path: string): string[] {
  return text(path).split("\n").filter(Boolean);
}
