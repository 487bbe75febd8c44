import { expect, test } from "vitest";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import {
  asks,
  assigned,
  Bench,
  capacity,
  FAILED,
  job,
  key,
  mapOver,
  pipeline,
  retriesOf,
  rows,
  task,
} from "../../test/support/build.ts";
import { type Capacity, explain } from "./index.ts";
import { HOLD_AFTER_MS, HOLD_LOOK_EVERY_MS } from "./limit.ts";

const shrink = (bench: Bench, node: string, has: Capacity, active: string[] = []) =>
  bench.step({ kind: "nodeHeard", node: node as NodeId, capacity: has, active: active.map(key), leaving: false });
const why = (bench: Bench, id: string) => explain(bench.state, id as JobId, "t", 0, bench.nowMs)!;
const REFUSED = { kind: "lost", reason: "node-changed" } as const;

test("what a node became too small for waits with the reason, and runs when one has it again", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.submit(job("a", pipeline(task("t", { resources: asks(4) }))));
  // The node has shrunk before it was given this, and says so when it is told to start it.
  const told = bench.end("n1", key("a.t.0.1"), REFUSED, {
    startedAtMs: null,
    message: "cannot run here: asks for 4 CPUs",
  });
  expect(rows(told)).toEqual(["t.0#1 ready"]);
  shrink(bench, "n1", capacity(2));
  expect(assigned(bench.pass(120_000))).toEqual([]);
  expect(why(bench, "a")).toMatchObject({ state: "ready", reasons: [{ kind: "unsatisfiable" }] });
  expect(assigned(bench.join("n2", capacity(4)))).toEqual(["a.t.0.2@n2"]);
});

test("a node that says it has room and never does is not believed for ever: the task fails and says what was missing", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  const retries = retriesOf({ crashes: 3 });
  bench.submit(job("a", pipeline(task("t", { resources: asks(4), retries }))));
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    const parts = { startedAtMs: null, message: "cannot run here: asks for 4 CPUs, the machine has 2" };
    bench.end("n1", key(`a.t.0.${attempt}`), REFUSED, parts);
    bench.hear("n1");
    bench.pass(25_000);
  }
  expect(bench.state.jobs.size).toBe(0);
});

test("a node that shrinks or loses a device while tasks run lets them end, and is given no more than it has", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4, 2));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(2), resources: asks(2, { gpuMillis: 1000 }) }))));
  for (const index of [0, 1]) bench.start("n1", key(`a.t.${index}.1`));
  shrink(bench, "n1", capacity(2, 1), ["a.t.0.1", "a.t.1.1"]);
  bench.submit(job("b", pipeline(task("t", { map: mapOver(2), resources: asks(1, { gpuMillis: 1000 }) }))));
  // The one on the device that is gone fails by itself; its room is gone with it.
  expect(assigned(bench.end("n1", key("a.t.1.1"), FAILED))).toEqual([]);
  expect(assigned(bench.end("n1", key("a.t.0.1")))).toEqual(["b.t.0.1@n1"]);
  shrink(bench, "n1", capacity(4, 2), ["b.t.0.1"]);
  expect(assigned(bench.settle())).toEqual(["b.t.1.1@n1"]);
});

test.each([3_600_000, -3_600_000])(
  "a clock that is set by %d ms costs no node its lease, and keeps none that is silent",
  (byMs) => {
    const bench = new Bench();
    bench.join("n1");
    bench.join("n2");
    const retries = retriesOf({ limit: 1, backoffMs: 10_000, backoffMsMax: 10_000 });
    bench.submit(job("a", pipeline(task("t", { map: mapOver(2), resources: asks(4), retries }))));
    bench.end("n2", key("a.t.1.1"), FAILED);
    bench.pass(5_000);
    bench.nowMs += byMs;
    bench.step({ kind: "clockStepped", byMs });
    expect(bench.pass(0).nodes).toEqual([]);
    // The pause before the next attempt goes on, and so does the lease of who is silent.
    bench.hear("n1", [key("a.t.0.1")]);
    expect(assigned(bench.pass(5_000))).toEqual(["a.t.1.2@n2"]);
    bench.hear("n1", [key("a.t.0.1")]);
    const later = bench.pass(21_001);
    expect(later.nodes.map(({ id, state }) => [id, state])).toEqual([["n2", "lost"]]);
  },
);

test.each([3_600_000, -3_600_000])(
  "a clock that is set by %d ms makes nobody wait longer or shorter for nodes to be held, nor for the reason to be looked at",
  (byMs) => {
    const bench = new Bench({ leaseMs: 1e9 });
    bench.join("n1");
    const timeoutMs = 24 * 3_600_000;
    bench.submit(job("running", pipeline(task("t", { resources: asks(3), timeoutMs }))));
    bench.start("n1", key("running.t.0.1"));
    const retries = retriesOf({ limit: 1, backoffMs: 1_000, backoffMsMax: 1_000 });
    bench.submit(job("again", pipeline(task("t", { retries, timeoutMs }))));
    bench.submit(job("a", pipeline(task("t", { resources: asks(4) }))));
    bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
    bench.end("n1", key("again.t.0.1"), FAILED);
    bench.pass(HOLD_AFTER_MS / 2);
    const since = () => ["a", "again"].map((id) => why(bench, id).sinceMs);
    const before = since();
    bench.nowMs += byMs;
    bench.step({ kind: "clockStepped", byMs });
    expect(since()).toEqual(before.map((ms) => ms + byMs));
    // A round, and the hold that comes or does not.
    const held = (ms: number) => {
      bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
      bench.step({ kind: "nodeUncordoned", node: "n1" as NodeId, reason: "" });
      bench.pass(ms);
      return bench.state.holds.size;
    };
    expect(held(HOLD_AFTER_MS / 2 - 1_000)).toBe(0);
    expect(held(HOLD_LOOK_EVERY_MS)).toBe(1);
    expect(bench.state.reasons.nextLookMs).toBeLessThan(bench.nowMs + 1_000);
  },
);
