import { expect, test } from "vitest";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import { asks, Bench, capacity, job, key, mapOver, pipeline, task } from "../../test/support/build.ts";
import { explain, listQueue } from "./index.ts";

test("a class tells how many of it are on nodes; one of which nothing waits is told when it is asked for", () => {
  const bench = new Bench();
  bench.join("n1", capacity(3));
  bench.submit(job("a", pipeline(task("t", { resources: asks(1), map: mapOver(2) }))));
  const counts = (running: boolean) =>
    listQueue(bench.state, bench.nowMs, { running }).map((one) => [one.resources.cpuMillis, one.running, one.waiting]);
  expect(counts(false)).toEqual([]);
  expect(counts(true)).toEqual([[1000, 2, 0]]);
  bench.submit(job("b", pipeline(task("t", { resources: asks(1), map: mapOver(4) }))));
  bench.submit(job("c", pipeline(task("t", { resources: asks(2) }))));
  expect(counts(false)).toEqual([
    [1000, 3, 3],
    [2000, 0, 1],
  ]);
  bench.end("n1", key("a.t.0.1"));
  expect(counts(true).reduce((sum, [, running]) => sum + running!, 0)).toBe(
    bench.state.nodes.get("n1" as never)!.attempts.size,
  );
});

test("why a task has no device names those that are given to nobody, and what is on them", () => {
  const bench = new Bench();
  const has = capacity(4, 3);
  const busy = { ...has.gpus[0]!, healthy: false, healthMessage: "not empty though no task is on it: process 4711" };
  bench.join("n1", { ...has, gpus: [busy, ...has.gpus.slice(1)] });
  const change = { quarantined: { "GPU-1": "XID 79" } };
  bench.step({ kind: "nodeSettingsChanged", node: "n1" as NodeId, change });
  bench.submit(job("a", pipeline(task("t", { resources: asks(1, { gpuMillis: 2000 }) }))));
  const why = explain(bench.state, "a" as JobId, "t", 0, bench.nowMs)!;
  expect(why.reasons).toMatchObject([{ kind: "capacity", nodesFailing: { gpus: 1 } }]);
  expect(why.reasons[0]!.message).toContain(
    "given to nobody: GPU-0 of n1: not empty though no task is on it: process 4711; GPU-1 of n1: in quarantine (XID 79)",
  );
});
