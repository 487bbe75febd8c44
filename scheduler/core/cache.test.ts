import { expect, test } from "vitest";
import type { AttemptKey, JobId } from "../../lib/core/ids.ts";
import {
  assigned,
  Bench,
  FAILED,
  flow,
  job,
  key,
  mapOver,
  output,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { type CacheAnswer, explain, type Lookup } from "./index.ts";

const CACHED = flow({ cache: { ttlMs: 0, params: null } });

function answersTo(lookups: readonly Lookup[], hits: readonly number[], bench: Bench): CacheAnswer[] {
  return lookups.map(({ assignment: { ref } }) => ({
    job: ref.job,
    task: ref.task,
    index: ref.index,
    key: `key${ref.index}`,
    why: "miss: since a.t.0.1 code changed",
    hit: hits.includes(ref.index)
      ? {
          execution: "old.t.0.1" as AttemptKey,
          outputs: [output("model")],
          result: { n: ref.index },
          madeAtMs: bench.nowMs - 7_200_000,
        }
      : null,
  }));
}

test("a result of the same work is taken without an attempt, with a row of lineage; the rest runs and is kept", () => {
  const bench = new Bench();
  bench.join("n1");
  const spec = pipeline(
    task("t", { map: mapOver(3), outputs: { model: "m" }, flow: CACHED, retries: retriesOf({ limit: 1 }) }),
    task("sum", {
      needs: ["t"],
      inputs: { models: { task: "t", output: "model" } },
      flow: flow({ if: "tasks.t.result[2].n == 2" }),
    }),
  );
  const first = bench.submit(job("a", spec));
  expect(first.assign).toEqual([]);
  expect(first.lookups.map(({ assignment: { ref } }) => ref)).toEqual(
    [0, 1, 2].map((index) => ({ job: "a", task: "t", index, attempt: 0 })),
  );
  expect(explain(bench.state, "a" as JobId, "t", 0, bench.nowMs)?.reasons).toMatchObject([{ kind: "cache" }]);
  expect(bench.settle().lookups).toEqual([]);
  bench.step({ kind: "cacheAnswered", answers: answersTo(first.lookups, [0, 2], bench) });
  const second = bench.settle();
  expect(rows(second)).toEqual(["t.0#0 succeeded", "t.1#1 assigned", "t.2#0 succeeded"]);
  expect(second.tasks[0]).toMatchObject({
    reason: "cached",
    message: "taken from the result cache: made by old.t.0.1 2h before",
    cache: { key: "key0", why: "hit: old.t.0.1" },
  });
  expect(second.ended).toMatchObject([
    {
      state: "succeeded",
      assignment: { ref: { attempt: 0 } },
      report: { key: "a.t.0.0", outputs: [{ name: "model" }] },
    },
    { report: { key: "a.t.2.0" } },
  ]);
  expect(explain(bench.state, "a" as JobId, "t", 1, bench.nowMs)?.reasons.at(-1)).toMatchObject({
    kind: "cache",
    message: "miss: since a.t.0.1 code changed",
  });
  expect(bench.end("n1", key("a.t.1.1"), FAILED).cached).toEqual([]);
  const last = bench.end("n1", key("a.t.1.2"), SUCCEEDED, { outputs: [output("model")], result: 5 });
  expect(last.cached).toEqual([
    { key: "key1", execution: "a.t.1.2", outputs: [output("model")], result: 5, madeAtMs: bench.nowMs },
  ]);
  expect(last.assign[0]?.assignment.inputs.map(({ index }) => index)).toEqual([0, 1, 2]);
});

test("thousands of instances are asked for in parts", () => {
  const bench = new Bench();
  const batch = bench.submit(job("a", pipeline(task("t", { map: mapOver(2500), flow: CACHED }))));
  expect(batch.lookups.length).toBe(1000);
  bench.step({
    kind: "cacheAnswered",
    answers: answersTo(
      batch.lookups,
      Array.from({ length: 1000 }, (_, i) => i),
      bench,
    ),
  });
  const next = bench.settle();
  expect([next.ended.length, next.lookups[0]?.assignment.ref.index]).toEqual([1000, 1000]);
});

test("a new leader asks again, and an answer to a cancelled job changes nothing", () => {
  const before = new Bench();
  const saved = new Saved();
  const batch = saved.take(before.submit(job("a", pipeline(task("t", { map: mapOver(2), flow: CACHED })))));
  const after = saved.next(before);
  expect(after.settle().lookups.length).toBe(2);
  after.step({ kind: "jobCancelRequested", job: "a" as JobId, reason: "" });
  expect(after.settle().jobs).toMatchObject([{ state: "cancelled" }]);
  after.step({ kind: "cacheAnswered", answers: answersTo(batch.lookups, [0], before) });
  expect(assigned(after.settle())).toEqual([]);
});
