import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { silentLog } from "../../lib/log.ts";
import { until } from "../../test/support/wait.ts";
import { runCommand } from "./command.ts";
import { GpuProbe } from "./probe.ts";

const FIXTURES = new URL("../../test/fixtures/gpu/", import.meta.url).pathname;
const GIB = 2 ** 30;
const MIB = 2 ** 20;

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A machine with these answers and tools; its folder can be changed. */
function machine(fixture: string, tools = ["nvidia-smi"], deadlineMs = 5_000) {
  const dir = mkdtempSync(join(tmpdir(), "weft-gpu-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  const answers = join(dir, "answers");
  cpSync(join(FIXTURES, fixture), answers, { recursive: true });
  const bin = join(dir, "bin");
  mkdirSync(bin);
  for (const tool of tools) symlinkSync(join(FIXTURES, "bin", tool), join(bin, tool));
  const kernelLog = join(dir, "kmsg");
  writeFileSync(kernelLog, "");
  const env = { PATH: `${bin}:/usr/bin:/bin`, FAKE_GPU: answers };
  const options = { env, log: silentLog(), lookMs: 20, kernelLog, deadlineMs };
  const probe = new GpuProbe(options);
  cleanups.push(() => probe.close());
  return { answers, probe, kernelLog, env };
}

describe("NVIDIA", () => {
  test("an A100 machine is read whole, and what is 0 is 0", async () => {
    const { probe } = machine("nvidia/a100");
    await probe.look();
    expect(probe.devices).toHaveLength(2);
    expect(probe.devices[0]).toEqual({
      uuid: "GPU-5d5f3a52-6c27-4d3c-9a3e-5a9a0f7d1b01",
      index: 0,
      vendor: "nvidia",
      model: "NVIDIA A100-SXM4-40GB",
      memoryBytes: 40 * GIB,
      computeCapability: "8.0",
      driver: "535.216.01",
      pciBus: "00000000:07:00.0",
      migMode: "disabled",
      migProfile: "",
      eccMode: "enabled",
      healthy: true,
      healthMessage: "",
    });
    expect(probe.takeUsage()).toEqual([
      {
        uuid: "GPU-5d5f3a52-6c27-4d3c-9a3e-5a9a0f7d1b01",
        utilizationFraction: 0,
        memoryBytesUsed: 0,
        temperatureCelsius: 34,
        powerWatts: 57.32,
        eccUncorrected: 0,
        xids: [],
      },
      expect.objectContaining({ utilizationFraction: 0.97, memoryBytesUsed: 38_211 * MIB }),
    ]);
  });

  test("an H100's driver is asked for the recovery action too", async () => {
    const { probe, answers } = machine("nvidia/h100");
    await probe.look();
    expect(probe.devices).toMatchObject([{ model: "NVIDIA H100 80GB HBM3", computeCapability: "9.0", healthy: true }]);
    const csv = readFileSync(join(answers, "query.csv"), "utf8");
    writeFileSync(join(answers, "query.csv"), csv.replace(/None\n$/, "GPU Reset\n"));
    await probe.look();
    expect(probe.devices).toMatchObject([{ healthy: false, healthMessage: "the driver asks for: GPU Reset" }]);
    writeFileSync(join(answers, "query.csv"), csv);
    await probe.look();
    expect(probe.devices).toMatchObject([{ healthy: true, healthMessage: "" }]);
  });

  test("an old driver is not asked for what it does not know", async () => {
    const { probe } = machine("nvidia/t4-driver-418");
    await probe.look();
    expect(probe.devices).toMatchObject([{ model: "Tesla T4", computeCapability: "", migMode: "", healthy: true }]);
  });

  test("a GB10 that says [N/A] for its memory is offered with memory unknown", async () => {
    const { probe } = machine("nvidia/gb10");
    await probe.look();
    expect(probe.devices).toMatchObject([{ model: "NVIDIA GB10", memoryBytes: 0, eccMode: "", healthy: true }]);
    expect(probe.takeUsage()).toEqual([
      expect.not.objectContaining({ memoryBytesUsed: expect.anything() as unknown }) as unknown,
    ]);
  });

  test("with MIG on, the instances are offered and not the card; a card without any is not healthy", async () => {
    const { probe } = machine("nvidia/a100-mig");
    await probe.look();
    expect(
      probe.devices.map(({ uuid, model, memoryBytes, healthy }) => ({ uuid, model, memoryBytes, healthy })),
    ).toEqual([
      {
        uuid: "MIG-7b2f1c3d-0a5e-5f6b-8c9d-1e2f3a4b5c01",
        model: "NVIDIA A100-SXM4-40GB MIG 3g.20gb",
        memoryBytes: 20 * GIB,
        healthy: true,
      },
      {
        uuid: "MIG-8c3a2d4e-1b6f-5a7c-9d0e-2f3a4b5c6d02",
        model: "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
        memoryBytes: 5 * GIB,
        healthy: true,
      },
      {
        uuid: "GPU-8c1e7a94-0f2b-4c55-8b7e-1d5f6f0c2a02",
        model: "NVIDIA A100-SXM4-40GB",
        memoryBytes: 40 * GIB,
        healthy: true,
      },
      {
        uuid: "GPU-c9e2f6d8-41b3-4a8a-9f7d-0e3b5a7c6d06",
        model: "NVIDIA A100-SXM4-40GB",
        memoryBytes: 40 * GIB,
        healthy: false,
      },
    ]);
  });

  test("uncorrectable ECC errors make a card unhealthy, a pending row remap only says so", async () => {
    const { probe } = machine("nvidia/a100-ecc");
    await probe.look();
    expect(probe.devices).toMatchObject([
      { healthy: false, healthMessage: expect.stringContaining("2 uncorrectable ECC errors") as string },
      { healthy: true, healthMessage: expect.stringContaining("remapped at the next reset") as string },
    ]);
  });

  test("a card that falls off the bus stays known, unhealthy, with what to do; the other goes on", async () => {
    const { probe, answers } = machine("nvidia/a100");
    await probe.look();
    cpSync(join(FIXTURES, "nvidia/lost"), answers, { recursive: true });
    await probe.look();
    expect(probe.devices).toMatchObject([
      { index: 0, healthy: false, healthMessage: expect.stringContaining("is lost") as string },
      { index: 1, healthy: true },
    ]);
    rmSync(join(answers, "exit"));
    cpSync(join(FIXTURES, "nvidia/a100"), answers, { recursive: true });
    await probe.look();
    expect(probe.devices.every(({ healthy }) => healthy)).toBe(true);
  });

  test("a fatal XID in the kernel's log makes its card unhealthy; one of an application does not", async () => {
    const { probe, kernelLog } = machine("nvidia/a100");
    const sinceBootUs = Math.round(process.hrtime()[0] * 1e6);
    writeFileSync(
      kernelLog,
      [
        `6,1,${sinceBootUs},-;NVRM: Xid (PCI:0000:07:00): 79, pid=4711, GPU has fallen off the bus.`,
        `6,2,${sinceBootUs},-;NVRM: Xid (PCI:0000:0f:00): 31, pid=4712, name=python, Ch 00000008, MMU Fault`,
        "",
      ].join("\n"),
    );
    await probe.look();
    expect(probe.devices).toMatchObject([
      { healthy: false, healthMessage: "XID 79: fallen off the bus" },
      { healthy: true },
    ]);
    expect(probe.takeUsage().map(({ xids }) => xids)).toEqual([[79], [31]]);
    expect(probe.takeUsage().map(({ xids }) => xids)).toEqual([[], []]);
  });

  test("a tool that hangs is killed at its deadline with all it started, and its cards get no work until it answers", async () => {
    const { probe, answers } = machine("nvidia/a100", ["nvidia-smi"], 300);
    await probe.look();
    writeFileSync(join(answers, "hang"), "");
    await probe.look();
    expect(probe.devices).toMatchObject([
      { healthy: false, healthMessage: "the GPU driver did not answer in time" },
      { healthy: false },
    ]);
    rmSync(join(answers, "hang"));
    await probe.look();
    expect(probe.devices.every(({ healthy }) => healthy)).toBe(true);
  });

  test("a machine without the tool has no GPUs", async () => {
    const { probe } = machine("nvidia/a100", []);
    await probe.look();
    expect(probe.devices).toEqual([]);
  });
});

describe("AMD", () => {
  const mi300 = [
    {
      uuid: "GPU-a3f1c27b5e90d418",
      vendor: "amd",
      model: "AMD Instinct MI300X",
      memoryBytes: 196_592 * MIB,
      computeCapability: "gfx942",
      driver: "6.12.12",
      healthy: true,
    },
    { uuid: "GPU-7b5e90d418a3f1c2" },
  ];

  test.each(["amd/mi300-amd-smi-array", "amd/mi300-amd-smi-gpu-data"])(
    "%s: both shapes of amd-smi are read",
    async (fixture) => {
      const { probe } = machine(fixture, ["amd-smi"]);
      await probe.look();
      // And the graphics part of the CPU, which has no serial, is not offered.
      expect(probe.devices).toMatchObject(mi300);
      expect(probe.takeUsage()).toMatchObject([
        { utilizationFraction: 0, memoryBytesUsed: 283 * MIB, temperatureCelsius: 40, powerWatts: 140 },
        { utilizationFraction: 0.98 },
      ]);
    },
  );

  test("amd-smi is asked again without what some versions crash on", async () => {
    const { probe, answers } = machine("amd/mi300-amd-smi-array", ["amd-smi"]);
    writeFileSync(join(answers, "driver-crashes"), "");
    await probe.look();
    expect(probe.devices).toHaveLength(2);
  });

  test.each([["rocm-smi"], ["rocm-smi", "amd-smi"]])(
    "rocm-smi is asked where amd-smi is missing or broken",
    async (...tools) => {
      const { probe, answers } = machine("amd/mi250-rocm-smi", tools);
      writeFileSync(join(answers, "product-name-crashes"), "");
      await probe.look();
      expect(probe.devices).toMatchObject([
        { uuid: "GPU-592c190172fd5d40", memoryBytes: 68_702_699_520, pciBus: "0000:C9:00.0", driver: "5.18.13" },
        { uuid: "GPU-2b9f18c2a3e4d501" },
      ]);
      expect(probe.takeUsage()).toMatchObject([
        { utilizationFraction: 0, temperatureCelsius: 40, powerWatts: 92 },
        { utilizationFraction: 1, memoryBytesUsed: 61_203_283_968 },
      ]);
    },
  );
});

const FREEZER = "/sys/fs/cgroup/freezer";

describe("a driver that does not let go", () => {
  // A frozen process is as deaf to SIGKILL as one that waits inside a driver.
  test.skipIf(!existsSync(join(FREEZER, "tasks")))("is found out, holds up nothing, and comes back", async () => {
    const group = join(FREEZER, `weft-test-${process.pid}`);
    mkdirSync(group);
    const { probe, answers } = machine("nvidia/a100", ["nvidia-smi"], 300);
    cleanups.push(() => rmSync(group, { recursive: true, force: true }));
    cleanups.push(() => writeFileSync(join(group, "freezer.state"), "THAWED"));
    await probe.look();
    const trap = join(answers, "..", "bin", "nvidia-smi");
    rmSync(trap);
    writeFileSync(
      trap,
      `#!/bin/sh\necho $$ > ${group}/cgroup.procs\necho FROZEN > ${group}/freezer.state\nsleep 1000\n`,
    );
    chmodSync(trap, 0o755);
    await probe.look();
    expect(probe.devices).toMatchObject([
      { healthy: false, healthMessage: expect.stringContaining("unresponsive") as string },
      { healthy: false },
    ]);
    // None is started beside it.
    const before = readFileSync(join(group, "cgroup.procs"), "utf8");
    await probe.look();
    expect(readFileSync(join(group, "cgroup.procs"), "utf8")).toBe(before);
    rmSync(trap);
    symlinkSync(join(FIXTURES, "bin", "nvidia-smi"), trap);
    writeFileSync(join(group, "freezer.state"), "THAWED");
    await until(() => probe.devices.every(({ healthy }) => healthy), "the cards are back");
    await until(() => readFileSync(join(group, "cgroup.procs"), "utf8") === "", "the hung tool is gone");
  });
});

test("a command that is killed at its deadline leaves no child", async () => {
  const { env } = machine("nvidia/a100");
  const marker = `97531.${process.pid}`;
  const result = await runCommand("sh", ["-c", `sleep ${marker} & sleep ${marker}`], { env, deadlineMs: 200 });
  expect(result.kind).toBe("late");
  const left = await runCommand("sh", ["-c", `ps -eo args | grep "^sleep ${marker}"`], { env });
  expect(left).toMatchObject({ kind: "exited", stdout: "" });
});

describe("a device that is not empty", () => {
  const uuid = "GPU-1f0c3b7e-7a0d-4f6e-9a53-2b7c9d1e3f03";
  const never = new AbortController().signal;
  const leave = (answers: string, text: string) => writeFileSync(join(answers, "apps.csv"), text);

  test("is given to nobody while a process is on it that is not ours, and heals by itself", async () => {
    const { answers, probe } = machine("nvidia/h100");
    leave(answers, `${uuid}, 4711, /usr/bin/python, train.py, 12288\n${uuid}, 4712, [Not Found], [N/A]\n`);
    await probe.start();
    // Nobody has said yet what is ours.
    expect(probe.devices).toMatchObject([{ healthy: true }]);
    probe.watch(() => new Set());
    await until(() => probe.devices[0]!.healthy === false, "it to be found out");
    expect(probe.devices[0]!.healthMessage).toBe(
      "not empty though no task is on it: process 4711 (/usr/bin/python, train.py, 12GiB), process 4712; it is given out again when it is empty",
    );
    leave(answers, "");
    await until(() => probe.devices[0]!.healthy, "it to heal");
    expect(await probe.free([uuid], never)).toBeUndefined();
  });

  test("counts as empty while tasks of ours are on it", async () => {
    const { answers, probe } = machine("nvidia/h100");
    leave(answers, `${uuid}, 4711, python, 12288\n`);
    probe.watch(() => new Set([uuid]));
    await probe.look();
    expect(probe.devices).toMatchObject([{ healthy: true, healthMessage: "" }]);
  });

  test("also counts when memory is in use by no process that can be seen, beyond what drivers keep", async () => {
    const { answers, probe } = machine("nvidia/h100");
    const row = readFileSync(join(answers, "query.csv"), "utf8");
    const use = (mebibytes: number) =>
      writeFileSync(join(answers, "query.csv"), row.replace(", Enabled, 1, ", `, Enabled, ${mebibytes}, `));
    probe.watch(() => new Set());
    use(900);
    await probe.look();
    expect(probe.devices).toMatchObject([{ healthy: true }]);
    use(20_480);
    await probe.look();
    expect(probe.devices[0]!.healthMessage).toContain("20GiB of its memory, of a process that cannot be seen");
  });

  test("is waited for when ours have just left it: a look that began before proves nothing", async () => {
    const { answers, probe } = machine("nvidia/h100");
    const held = new Set([uuid]);
    probe.watch(() => held);
    leave(answers, `${uuid}, 4711, python, 12288\n`);
    await probe.start();
    held.clear();
    probe.left([uuid]);
    const free = probe.free([uuid], never);
    // What was killed gives its memory back within seconds: nobody is alarmed by that.
    await probe.look();
    expect(probe.devices).toMatchObject([{ healthy: true }]);
    leave(answers, "");
    expect(await free).toBeUndefined();
    const giveUp = new AbortController();
    leave(answers, `${uuid}, 4713, python, 12288\n`);
    probe.left([uuid]);
    const busy = probe.free([uuid], giveUp.signal);
    await probe.look();
    giveUp.abort();
    expect(await busy).toMatch(/^GPU GPU-1f0c\S+ is not empty though no task is on it: process 4713 /);
  });
});
