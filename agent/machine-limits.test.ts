import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os, { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { machineLimits } from "./machine-limits.ts";

const MIB = 2 ** 20;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "weft-limits-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${text}\n`);
}

test("without control groups the machine itself is the limit", async () => {
  expect(await machineLimits(root)).toEqual({ cpus: os.availableParallelism(), memoryBytes: os.totalmem() });
});

test("version 2: the least limit between the leaf and the root counts", async () => {
  file("proc/self/cgroup", "0::/pod/container");
  file("sys/fs/cgroup/pod/container/memory.max", "max");
  file("sys/fs/cgroup/pod/memory.max", String(64 * MIB));
  file("sys/fs/cgroup/pod/container/cpu.max", "50000 100000");
  file("sys/fs/cgroup/pod/cpu.max", "max 100000");
  expect(await machineLimits(root)).toEqual({ cpus: 0.5, memoryBytes: 64 * MIB });
});

test("version 1, and a container that does not see its own path: what is mounted counts", async () => {
  file("proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/");
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", String(128 * MIB));
  file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "25000");
  file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000");
  expect(await machineLimits(root)).toEqual({ cpus: 0.25, memoryBytes: 128 * MIB });
});

test("no limit in version 1 is none", async () => {
  file("proc/self/cgroup", "9:memory:/a\n4:cpu,cpuacct:/a");
  file("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712");
  file("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1");
  file("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000");
  expect(await machineLimits(root)).toEqual({ cpus: os.availableParallelism(), memoryBytes: os.totalmem() });
});
