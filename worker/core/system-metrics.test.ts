import { expect, test } from "vitest";
import { type Machine, systemMetrics } from "./system-metrics.ts";

const machine: Machine = {
  cpus: 4,
  memoryBytes: 8e9,
  diskBytes: 100e9,
  diskBytesFree: 25e9,
  networkBytesReceived: 3e6,
  networkBytesSent: 1e6,
};

test("an attempt's share of the machine is told by MLflow's names", () => {
  const now = { atMs: 11_000, cpuMs: 21_000, residentBytes: 2e9 };
  expect(systemMetrics({ atMs: 1_000, cpuMs: 1_000 }, now, machine, [])).toEqual({
    "system/cpu_utilization_percentage": 50,
    "system/system_memory_usage_megabytes": 2_000,
    "system/system_memory_usage_percentage": 25,
    "system/disk_usage_percentage": 75,
    "system/disk_usage_megabytes": 75_000,
    "system/disk_available_megabytes": 25_000,
    "system/network_receive_megabytes": 3,
    "system/network_transmit_megabytes": 1,
  });
});

test("devices are numbered as the process sees them, and what could not be read is left out", () => {
  const now = { atMs: 2, cpuMs: 0, residentBytes: 0 };
  const values = systemMetrics({ atMs: 1, cpuMs: 0 }, now, machine, [
    { uuid: "a", memoryBytes: 80e9, memoryBytesUsed: 20e9, utilizationFraction: 0.915, powerWatts: 300 },
    { uuid: "b", memoryBytes: 0, memoryBytesUsed: 1e9 },
  ]);
  expect(Object.fromEntries(Object.entries(values).filter(([name]) => name.includes("gpu")))).toEqual({
    "system/gpu_0_utilization_percentage": 91.5,
    "system/gpu_0_memory_usage_megabytes": 20_000,
    "system/gpu_0_memory_usage_percentage": 25,
    "system/gpu_0_power_usage_watts": 300,
    "system/gpu_1_memory_usage_megabytes": 1_000,
  });
});

test("what the clocks and the sampling do not agree on is no negative figure", () => {
  const now = { atMs: 1_000, cpuMs: 90, residentBytes: 0 };
  expect(systemMetrics({ atMs: 1_000, cpuMs: 100 }, now, machine, [])["system/cpu_utilization_percentage"]).toBe(0);
});
