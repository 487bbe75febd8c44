import { expect, test } from "vitest";
import { cgroupFolders, cpuLimit, memoryLimit } from "./cgroup.ts";

test("limits are looked for from the leaf to the root, for version 2", () => {
  const { unified } = cgroupFolders("0::/system.slice/weft.service/task\n");
  expect(unified).toEqual(["/system.slice/weft.service/task", "/system.slice/weft.service", "/system.slice", "/"]);
});

test("version 1 has a path for each controller", () => {
  const folders = cgroupFolders("9:memory:/a/b\n4:cpu,cpuacct:/c\n0::/\n");
  expect(folders.memoryV1).toEqual(["/a/b", "/a", "/"]);
  expect(folders.cpuV1).toEqual(["/c", "/"]);
  expect(folders.unified).toEqual(["/"]);
});

test("no limit is told from a limit", () => {
  expect(memoryLimit("max\n")).toBeUndefined();
  expect(memoryLimit("9223372036854771712\n")).toBeUndefined();
  expect(memoryLimit("")).toBeUndefined();
  expect(memoryLimit("1073741824\n")).toBe(1_073_741_824);
  expect(cpuLimit("max 100000\n")).toBeUndefined();
  expect(cpuLimit("-1\n 100000\n")).toBeUndefined();
  expect(cpuLimit("150000 100000\n")).toBe(1.5);
});
