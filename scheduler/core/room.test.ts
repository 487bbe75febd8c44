import { expect, test } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import type { TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { asks, assigned, Bench, capacity, GIB, job, key, mapOver, pipeline, task } from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { HOLD_AFTER_MS } from "./limit.ts";

/** Nobody waits while there is room: found by the simulator, each with the state that it takes to show it. */

function one(id: string, parts: Partial<TaskSpec>, priority = 0, project = "default") {
  return job(id, { ...pipeline(task("t", parts)), project }, { priority });
}

test("what comes to a class that found no room before, and was served since, finds the room that is left", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
  expect(assigned(bench.submit(one("a", {})))).toEqual([]);
  bench.step({ kind: "nodeUncordoned", node: "n1" as NodeId, reason: "" });
  expect(assigned(bench.settle())).toEqual(["a.t.0.1@n1"]);
  expect(assigned(bench.submit(one("b", {})))).toEqual(["b.t.0.1@n1"]);
});

test("those that found a node held, in the round in which its hold ends, look again at once", () => {
  const bench = new Bench({ leaseMs: 2 * HOLD_AFTER_MS });
  const quota = { cpuMillis: null, memoryBytes: null, gpuMillis: null };
  bench.step({ kind: "projectChanged", settings: { name: "default", weight: 0.25, quota } });
  bench.join("n1", capacity(4));
  bench.submit(one("fill", { resources: asks(2), map: mapOver(2), timeoutMs: 2 * HOLD_AFTER_MS }));
  bench.submit(one("aged", { resources: asks(3) }));
  bench.pass(HOLD_AFTER_MS);
  const other = one("other", { resources: asks(2, { memoryBytes: GIB }) }, 0, "p");
  expect(assigned(bench.submit(other))).toEqual([]);
  expect(bench.state.nodes.get("n1" as NodeId)!.hold?.ask.key).toContain("default/3000");
  expect(assigned(bench.end("n1", key("fill.t.0.1")))).toEqual([]);
  // The project that holds less than its share comes first, and has no use for this node.
  expect(assigned(bench.join("n2", capacity(3, 0, 0)))).toEqual(["aged.t.0.1@n2"]);
  expect(assigned(bench.settle())).toEqual(["other.t.0.1@n1"]);
});

test("room that an attempt gives up to one that its node has started before it goes to others", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.submit(one("fill", { resources: asks(3) }));
  bench.submit(one("short", { map: mapOver(3) }));
  bench.end("n1", key("short.t.0.1"), { kind: "succeeded" }, { startedAtMs: bench.nowMs - 1 });
  const { prefilled, attempts } = bench.state.nodes.get("n1" as NodeId)!;
  expect([prefilled.size, attempts.size]).toEqual([1, 3]);
  expect(assigned(bench.submit(one("other", { resources: asks(2) })))).toEqual([]);
  bench.start("n1", key("short.t.1.1"));
  // The node has let the short one begin before the large one, which has to wait there.
  expect(assigned(bench.start("n1", key("short.t.2.1")))).toEqual(["other.t.0.1@n1"]);
});

test("memory of a device that was away for a while is counted as taken by those that have it", () => {
  const bench = new Bench();
  const saved = new Saved();
  saved.take(bench.join("n1", capacity(8, 1)));
  const gpu = { memoryBytes: 60 * GIB, models: [], computeCapability: "", driver: "", mig: "" };
  const wants = { resources: asks(1, { gpuMillis: 300, gpu }) };
  saved.take(bench.submit(one("a", wants)));
  const heard = (has: ReturnType<typeof capacity>) => ({
    kind: "nodeHeard" as const,
    node: "n1" as NodeId,
    capacity: has,
    active: [key("a.t.0.1")],
    leaving: false,
  });
  bench.step(heard(capacity(8, 0)));
  saved.take(bench.settle());
  const next = saved.next(bench);
  next.step(heard(capacity(8, 1)));
  next.settle();
  expect(assigned(next.submit(one("b", wants)))).toEqual([]);
  expect(assigned(next.end("n1", key("a.t.0.1")))).toEqual(["b.t.0.1@n1"]);
});
