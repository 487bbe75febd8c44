import { expect, test } from "vitest";
import { endInRange, gatherReports } from "../../lib/core/alike.ts";
import type { EndedRangeReport } from "../../lib/core/dispatch.ts";
import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import { Saved } from "../../test/support/saved.ts";
import {
  assigned,
  asks,
  Bench,
  capacity,
  endedReport,
  job,
  key,
  mapOver,
  pipeline,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { explain, listNodes, listQueue, locate } from "./index.ts";

const N1 = "n1" as NodeId;

function started(instances: number, cpus = instances): Bench {
  const bench = new Bench();
  bench.join("n1", capacity(cpus));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(instances) }), task("u", { needs: ["t"] }))));
  return bench;
}

/** Ends of t[from] … t[to - 1] of job a, as a node tells them. */
function range(from: number, to: number, attempt = 1): EndedRangeReport {
  const ends = Array.from({ length: to - from }, (_, i) => endedReport(key(`a.t.${from + i}.${attempt}`), SUCCEEDED));
  return gatherReports(ends)[0] as EndedRangeReport;
}

function end(bench: Bench, report: EndedRangeReport, node = N1) {
  const answer = bench.step({ kind: "rangeEnded", node, report });
  return { answer, batch: bench.settle() };
}

const keys = (from: number, to: number): AttemptKey[] =>
  Array.from({ length: to - from }, (_, i) => key(`a.t.${from + i}.1`));

test("instances beside each other travel, end and are recorded as one, and no record of each is made", () => {
  const bench = new Bench();
  bench.join("n1", capacity(10));
  const { assign, ranges, tasks } = bench.submit(job("a", pipeline(task("t", { map: mapOver(10) }))));
  expect(assign.map(({ assignment }) => assignment.alike)).toEqual([
    { count: 10, env: { WEFT_MAP_I: Array.from({ length: 10 }, (_, i) => String(i)) }, runs: null },
  ]);
  expect(ranges).toMatchObject([{ index: 0, count: 10, startedAtMs: null }]);
  expect(tasks).toEqual([]);
  expect(bench.state.jobs.get("a" as JobId)!.tasks[0]!.instances).toBe(null);
  const { answer, batch } = end(bench, range(0, 10));
  expect(answer).toEqual({ kind: "done" });
  expect(batch.endedRanges).toMatchObject([{ maps: Array.from({ length: 10 }, (_, i) => ({ i })) }]);
  expect(batch.jobs).toMatchObject([{ state: "succeeded" }]);
  expect(listNodes(bench.state)[0]).toMatchObject({ attempts: 0, reserved: { cpuMillis: 0 } });
});

test("parts of a range may end in any order; what is behind the task follows when all have", () => {
  const bench = started(12);
  end(bench, range(4, 8));
  expect(listNodes(bench.state)[0]).toMatchObject({ attempts: 8, reserved: { cpuMillis: 8000 } });
  expect(listQueue(bench.state, bench.nowMs, { running: true })).toMatchObject([{ running: 8, waiting: 0 }]);
  end(bench, range(10, 12));
  end(bench, range(8, 10));
  expect(assigned(end(bench, range(0, 4)).batch)).toEqual(["a.u.0.1@n1"]);
});

test("an end that spans two ranges and an instance of its own ends all of them", () => {
  const bench = started(12, 4);
  end(bench, range(0, 4));
  bench.start("n1", key("a.t.5.1"));
  const { answer, batch } = end(bench, range(4, 8));
  expect(answer).toEqual({ kind: "done" });
  expect(rows(batch)).toContain("t.4#1 succeeded");
  expect(end(bench, range(8, 12)).answer).toEqual({ kind: "done" });
});

test("an end that comes twice, from another node, or of another attempt changes nothing, and each is counted", () => {
  const bench = started(8);
  bench.join("n2");
  expect(end(bench, range(0, 8), "n2" as NodeId).answer).toEqual({ kind: "stale", count: 8 });
  expect(end(bench, range(0, 8, 2)).answer).toEqual({ kind: "stale", count: 8 });
  end(bench, range(0, 4));
  expect(end(bench, range(0, 8)).answer).toEqual({ kind: "stale", count: 4 });
  expect(bench.state.jobs.get("a" as JobId)!.tasks[0]!.succeeded).toBe(8);
});

test("one that ends as the others would leaves its range alone", () => {
  const bench = started(8);
  expect(rows(bench.end("n1", key("a.t.3.1")))).toEqual(["t.3#1 succeeded"]);
  expect(bench.state.jobs.get("a" as JobId)!.tasks[0]!.instances).toBe(null);
  expect(end(bench, range(0, 3)).answer).toEqual({ kind: "done" });
  expect(end(bench, range(4, 8)).answer).toEqual({ kind: "done" });
});

test("one that starts, fails or is asked for is on its own from then on, and so are those beside it", () => {
  const bench = started(8);
  bench.start("n1", key("a.t.2.1"));
  expect(locate(bench.state, "a" as JobId, "t", 2)).toMatchObject({ kind: "running", key: "a.t.2.1" });
  const failed = bench.end("n1", key("a.t.3.1"), { kind: "failed", reason: "exit" });
  expect(rows(failed)).toEqual(["t.3#1 failed"]);
  expect(rows(end(bench, range(4, 8)).batch)).toEqual([4, 5, 6, 7].map((index) => `t.${index}#1 succeeded`));
});

test("a cancel stops every attempt of a range, and what was done stays done", () => {
  const bench = started(8);
  end(bench, range(0, 4));
  bench.step({ kind: "jobCancelRequested", job: "a" as JobId, reason: "" });
  expect(bench.settle().stop.map(({ order }) => order.key)).toEqual(keys(4, 8));
  for (const each of keys(4, 8)) bench.end("n1", each, { kind: "stopped", reason: "cancelled" });
  expect(bench.state.jobs.size).toBe(0);
});

test("a range of a lost node runs again elsewhere, each instance with its next attempt", () => {
  const bench = started(8);
  bench.join("n2", capacity(8));
  end(bench, range(0, 2));
  bench.nowMs += 20_000;
  bench.hear("n2");
  const lost = bench.pass(15_000);
  expect(lost.ended.map(({ state }) => state)).toEqual(Array(6).fill("lost"));
  expect(assigned(lost)).toEqual([2, 3, 4, 5, 6, 7].map((index) => `a.t.${index}.2@n2`));
  expect(end(bench, range(2, 8)).answer).toEqual({ kind: "stale", count: 6 });
});

test("a drained node is told to stop each, and what it names of its ranges is no stranger to us", () => {
  const bench = started(8);
  expect(bench.hear("n1", [...keys(0, 8), key("a.t.3.2")])).toMatchObject({
    stop: [{ key: "a.t.3.2", reason: "fenced" }],
    query: [],
  });
  bench.step({ kind: "nodeDrained", node: N1, reason: "" });
  expect(bench.settle().stop.map(({ order }) => order.key)).toEqual(keys(0, 8));
});

test("those of a range that the node does not name are asked for, as any attempt is", () => {
  const bench = started(8);
  expect(bench.hear("n1", keys(0, 6))).toMatchObject({ query: [] });
  expect(bench.hear("n1", keys(0, 6))).toMatchObject({ query: keys(6, 8) });
  expect(bench.hear("n1", keys(0, 6))).toMatchObject({ query: keys(6, 8), stop: [] });
});

test("short instances queue at the node in ranges, move up as others end, and go elsewhere when there is room", () => {
  const bench = started(100, 4);
  const queued = end(bench, range(0, 4)).batch;
  expect(queued.assign.length).toBeLessThan(4);
  expect(assigned(queued).length).toBeGreaterThan(50);
  expect(listNodes(bench.state)[0]!.reserved.cpuMillis).toBe(4000);
  end(bench, range(4, 20));
  expect(listNodes(bench.state)[0]!.reserved.cpuMillis).toBe(4000);
  bench.join("n2", capacity(2));
  bench.hear("n1", keys(20, 100));
  const { stop } = bench.pass(1_500);
  expect(stop.length).toBeGreaterThan(50);
  expect(stop.every(({ order }) => order.reason === "fenced")).toBe(true);
});

test("a new leader finds what was on its way and what was done", () => {
  const saved = new Saved();
  const bench = new Bench();
  saved.take(bench.join("n1", capacity(8)));
  saved.take(bench.submit(job("a", pipeline(task("t", { map: mapOver(12) })))));
  saved.take(end(bench, range(0, 4)).batch);
  const next = saved.next(bench);
  expect(explain(next.state, "a" as JobId, "t", 0, next.nowMs)).toMatchObject({ state: "succeeded" });
  expect(explain(next.state, "a" as JobId, "t", 5, next.nowMs)).toMatchObject({ state: "assigned" });
  next.settle();
  expect(end(next, range(4, 12)).batch.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("where each stands is told as if it were alone", () => {
  const bench = started(1000, 4);
  end(bench, range(0, 4));
  const at = (index: number) => explain(bench.state, "a" as JobId, "t", index, bench.nowMs);
  expect(at(0)).toMatchObject({ state: "succeeded", reasons: [{ kind: "done" }] });
  expect(at(5)).toMatchObject({
    state: "assigned",
    reasons: [{ message: "attempt 1 on node n1 has not started yet" }],
  });
  expect(at(20)).toMatchObject({ state: "assigned", reasons: [{ message: /queues there/ }] });
  expect(at(999)).toMatchObject({ state: "ready" });
  expect(locate(bench.state, "a" as JobId, "t", 5)).toEqual({ kind: "not-running", state: "assigned" });
});

test("what has something of its own to each instance goes alone", () => {
  const bench = new Bench();
  bench.join("n1", capacity(16, 8));
  const gpu = task("t", { map: mapOver(8), resources: asks(1, { gpuMillis: 1000 }) });
  expect(bench.submit(job("a", pipeline(gpu))).assign).toHaveLength(8);
});

test("the i-th end of a range is the end that was gathered", () => {
  const ends = [3, 1, 2].map((index) => endedReport(key(`a.t.${index}.1`), SUCCEEDED, { endedAtMs: 100 + index }));
  const [one] = gatherReports(ends) as [EndedRangeReport];
  expect([0, 1, 2].map((i) => endInRange(one, i))).toEqual([ends[1], ends[2], ends[0]]);
});
