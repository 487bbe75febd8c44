/**
 * Limits of the control groups this process is in. A limit may sit on any level, so each is looked for from the leaf to
 * the root and the least counts. Version 1 has one hierarchy a controller, version 2 one for all (line `0::`).
 */
export interface CgroupFolders {
  /** Folders from the leaf to the root, below the mount point of the controller (v1) or of all (v2). */
  readonly memoryV1: readonly string[];
  readonly cpuV1: readonly string[];
  readonly unified: readonly string[];
}

/** From the text of /proc/self/cgroup. */
export function cgroupFolders(text: string): CgroupFolders {
  const paths = { memoryV1: "/", cpuV1: "/", unified: "/" };
  for (const line of text.split("\n")) {
    const match = /^(\d+):([^:]*):(\/.*)$/.exec(line);
    if (!match) continue;
    const controllers = match[2]!.split(",");
    if (match[1] === "0" && match[2] === "") paths.unified = match[3]!;
    if (controllers.includes("memory")) paths.memoryV1 = match[3]!;
    if (controllers.includes("cpu")) paths.cpuV1 = match[3]!;
  }
  return { memoryV1: upwards(paths.memoryV1), cpuV1: upwards(paths.cpuV1), unified: upwards(paths.unified) };
}

function upwards(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return parts.map((_, i) => `/${parts.slice(0, parts.length - i).join("/")}`).concat("/");
}

/** Bytes of memory.max or memory.limit_in_bytes; undefined: no limit ("max", or version 1's almost 2^63). */
export function memoryLimit(text: string): number | undefined {
  const bytes = Number(text.trim());
  return Number.isFinite(bytes) && bytes > 0 && bytes < 2 ** 60 ? bytes : undefined;
}

/** CPUs of cpu.max ("200000 100000"), or of cpu.cfs_quota_us and cpu.cfs_period_us joined by a space; undefined: no limit. */
export function cpuLimit(text: string): number | undefined {
  const [quota, period] = text.trim().split(/\s+/).map(Number);
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return quota / period;
}
