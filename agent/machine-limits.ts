import { readFile } from "node:fs/promises";
import os from "node:os";
import { join } from "node:path";
import { cgroupFolders, cpuLimit, memoryLimit } from "./core/cgroup.ts";

export interface MachineLimits {
  /** CPUs this process may use: those of its affinity mask, and no more than the quotas of its control groups. */
  readonly cpus: number;
  /** Bytes: the machine's, and no more than any control group above allows. */
  readonly memoryBytes: number;
}

/** What this process may really use. `root` is where /proc and /sys are. */
export async function machineLimits(root = "/"): Promise<MachineLimits> {
  const folders = cgroupFolders(await text(join(root, "proc/self/cgroup")));
  const mount = join(root, "sys/fs/cgroup");
  const memory = await Promise.all([
    ...folders.unified.flatMap((folder) => [
      text(join(mount, folder, "memory.max")),
      text(join(mount, "unified", folder, "memory.max")),
    ]),
    ...folders.memoryV1.map((folder) => text(join(mount, "memory", folder, "memory.limit_in_bytes"))),
  ]);
  const cpu = await Promise.all([
    ...folders.unified.flatMap((folder) => [
      text(join(mount, folder, "cpu.max")),
      text(join(mount, "unified", folder, "cpu.max")),
    ]),
    ...folders.cpuV1.map((folder) => quotaV1(join(mount, "cpu", folder))),
  ]);
  // On Node 20 and cgroup v1 it is 2^64 where there is no limit.
  const constrained = process.constrainedMemory();
  const sane = constrained > 0 && constrained < os.totalmem() ? [constrained] : [];
  return {
    cpus: least(os.availableParallelism(), cpu.map(cpuLimit)),
    memoryBytes: least(os.totalmem(), [...sane, ...memory.map(memoryLimit)]),
  };
}

async function quotaV1(folder: string): Promise<string> {
  return `${await text(join(folder, "cpu.cfs_quota_us"))} ${await text(join(folder, "cpu.cfs_period_us"))}`;
}

function least(most: number, limits: readonly (number | undefined)[]): number {
  return limits.reduce<number>((low, limit) => (limit === undefined ? low : Math.min(low, limit)), most);
}

/** Empty when there is none: every version and container shows other files. */
async function text(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}
