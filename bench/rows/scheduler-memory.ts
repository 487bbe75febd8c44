import { existsSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WeftClient } from "../../sdk/index.ts";
import { figure, type Row } from "../figure.ts";
import { mappedNoops, plainNoops } from "../noop.ts";

const TASKS = 100_000;
const TASKS_PER_JOB = 10_000;
const LOOK_MS = 20;
const PROBE_MS_MAX = 60_000;

export const schedulerMemory: Row = {
  name: "scheduler-memory",
  about: "growth of the server's heap, after garbage collection, for 100,000 tasks that wait because there is no node",
  run: async (bench) => {
    const heapFile = join(tmpdir(), `weft-bench-heap-${process.pid}.json`);
    bench.onEnd(() => rmSync(heapFile, { force: true }));
    process.env["WEFT_BENCH_HEAP"] = heapFile;
    const { client, serverPid } = await bench.cluster({
      serverPreload: new URL("../heap-probe.js", import.meta.url).href,
    });
    // What is loaded and compiled at first use is there before the first look.
    await client.submit(plainNoops(TASKS_PER_JOB, 1));
    const empty = await heapBytes(serverPid, heapFile);
    const plain = await submitAll(client, () => plainNoops(TASKS_PER_JOB, 1), TASKS / TASKS_PER_JOB);
    const withPlain = await heapBytes(serverPid, heapFile);
    const mapped = await submitAll(client, () => mappedNoops(TASKS, 1), 1);
    const withMapped = await heapBytes(serverPid, heapFile);
    const target = (limit: number) => ({ compare: "≤", limit, of: "value" }) as const;
    return [
      figure({ row: "scheduler-memory", value: (withPlain - empty) / TASKS, ...plain }, target(1_000)),
      figure({ row: "scheduler-memory mapped", value: (withMapped - withPlain) / TASKS, ...mapped }, target(300)),
    ];
  },
};

/** Submits the jobs; the reference is the size of what was sent. */
async function submitAll(client: WeftClient, build: () => ReturnType<typeof plainNoops>, jobs: number) {
  const spec = build();
  for (let i = 0; i < jobs; i += 1) await client.submit(spec);
  const bytes = JSON.stringify(spec.toProto()).length * jobs;
  return { unit: "bytes/task", reference: "the submitted pipeline as JSON text", referenceValue: bytes / TASKS };
}

async function heapBytes(pid: number, file: string): Promise<number> {
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  const deadline = performance.now() + PROBE_MS_MAX;
  while (!existsSync(file)) {
    if (performance.now() > deadline) throw new Error("the server did not tell its heap");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const { heapUsed, external } = JSON.parse(readFileSync(file, "utf8")) as { heapUsed: number; external: number };
  return heapUsed + external;
}
