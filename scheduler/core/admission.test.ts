import { expect, test } from "vitest";
import type { JobId } from "../../lib/core/ids.ts";
import type { Concurrency } from "../../lib/core/pipeline/admission.ts";
import {
  assigned,
  Bench,
  capacity,
  FAILED,
  flow,
  job,
  key,
  mapOver,
  pipeline,
  retriesOf,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { explain } from "./index.ts";

const grouped = (policy: Concurrency["policy"], limit = 1) => ({
  ...pipeline(task("t")),
  concurrency: { group: "deploy-{{ params.to }}", policy, limit },
});
const to = (name: string) => ({ params: { to: name } });

test("jobs of one group run one after the other, those of another beside them", () => {
  const bench = new Bench();
  bench.join("n1");
  expect(assigned(bench.submit(job("a", grouped("queue"), to("prod"))))).toEqual(["a.t.0.1@n1"]);
  const second = bench.submit(job("b", grouped("queue"), to("prod")));
  expect(second.jobs).toMatchObject([{ id: "b", state: "pending", waitsFor: "concurrency" }]);
  expect(assigned(bench.submit(job("c", grouped("queue"), to("test"))))).toEqual(["c.t.0.1@n1"]);
  bench.submit(job("d", grouped("queue"), to("prod")));
  expect(explain(bench.state, "d" as JobId, "t", 0, bench.nowMs)?.reasons).toMatchObject([
    {
      kind: "concurrency",
      message: 'the job waits for concurrency group "default/deploy-prod", which job a holds; 1 wait before it',
    },
  ]);
  bench.step({ kind: "jobCancelRequested", job: "b" as JobId, reason: "" });
  expect(bench.settle().jobs).toMatchObject([{ id: "b", state: "cancelled" }]);
  expect(assigned(bench.end("n1", key("a.t.0.1"), FAILED))).toEqual(["d.t.0.1@n1"]);
  expect(bench.state.groups.size).toBe(2);
  bench.end("n1", key("d.t.0.1"));
  expect(bench.state.groups.size).toBe(1);
});

test("a new job may replace those of its group: it starts when they have stopped", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", grouped("cancel-running"), to("x")));
  const second = bench.submit(job("b", grouped("cancel-running"), to("x")));
  expect(second.stop).toMatchObject([{ order: { key: "a.t.0.1", reason: "cancelled" } }]);
  expect(second.assign).toEqual([]);
  const third = bench.submit(job("c", grouped("cancel-running"), to("x")));
  const reason = 'replaced by job c of concurrency group "default/deploy-x"';
  expect(third.jobs).toContainEqual(expect.objectContaining({ id: "b", state: "cancelled", reason }));
  const stopped = bench.end("n1", key("a.t.0.1"), { kind: "stopped", reason: "cancelled" });
  expect(assigned(stopped)).toEqual(["c.t.0.1@n1"]);
});

test("a new job may be skipped while its group is full, and says who has it", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", grouped("skip", 2), to("x")));
  bench.submit(job("b", grouped("skip", 2), to("x")));
  expect(bench.submit(job("c", grouped("skip", 2), to("x"))).jobs).toMatchObject([
    { id: "c", state: "cancelled", reason: expect.stringContaining("has 2 of 2, job a among them") },
  ]);
});

test("thousands of jobs that end at once go through their group one by one", () => {
  const bench = new Bench();
  bench.join("n1");
  const spec = {
    ...pipeline(task("t", { flow: flow({ if: "false" }) })),
    concurrency: { group: "g", policy: "queue" as const, limit: 1 },
  };
  const holder = { ...pipeline(task("t")), concurrency: spec.concurrency };
  bench.submit(job("a", holder));
  for (let i = 0; i < 300; i += 1) bench.step({ kind: "jobSubmitted", job: job(`w${i}`, spec) });
  const batch = bench.end("n1", key("a.t.0.1"));
  expect(batch.jobs.filter(({ state }) => state === "succeeded").length).toBe(301);
});

test("no more jobs start in any time than the limit says", () => {
  const bench = new Bench();
  bench.join("n1", capacity(100));
  const spec = { ...pipeline(task("t")), rate: { limit: 2, perMs: 10_000, key: "" } };
  for (const id of ["a", "b", "c", "d"]) bench.step({ kind: "jobSubmitted", job: job(id, spec) });
  const first = bench.settle();
  expect(assigned(first)).toEqual(["a.t.0.1@n1", "b.t.0.1@n1"]);
  expect(first.rates).toEqual([{ key: "default/pipeline test", starts: [bench.nowMs, bench.nowMs], perMs: 10_000 }]);
  expect(explain(bench.state, "c" as JobId, "t", 0, bench.nowMs)?.reasons).toMatchObject([
    {
      kind: "rate",
      message:
        'the job waits for rate limit "default/pipeline test": 2 starts in 10s; the next is let go in 10s, 2 in line',
    },
  ]);
  expect(assigned(bench.pass(9_999))).toEqual([]);
  expect(assigned(bench.pass(1))).toEqual(["c.t.0.1@n1", "d.t.0.1@n1"]);
});

test("instances under a rate are placed no faster, retries among them, and only a start counts", () => {
  const bench = new Bench();
  const rated = task("t", {
    map: mapOver(4),
    retries: retriesOf({ limit: 1 }),
    flow: flow({ rate: { limit: 2, perMs: 1000, key: "api" } }),
  });
  bench.submit(job("a", pipeline(rated)));
  bench.pass(5000);
  expect(assigned(bench.join("n1", capacity(1)))).toEqual(["a.t.0.1@n1"]);
  expect(explain(bench.state, "a" as JobId, "t", 3, bench.nowMs)?.reasons).toMatchObject([{ kind: "rate" }]);
  expect(explain(bench.state, "a" as JobId, "t", 1, bench.nowMs)?.reasons).toMatchObject([{ kind: "capacity" }]);
  bench.nowMs += 500;
  expect(assigned(bench.end("n1", key("a.t.0.1"), FAILED))).toEqual(["a.t.1.1@n1"]);
  expect(assigned(bench.end("n1", key("a.t.1.1")))).toEqual([]);
  expect(assigned(bench.pass(499))).toEqual([]);
  expect(assigned(bench.pass(1))).toEqual(["a.t.2.1@n1"]);
  bench.end("n1", key("a.t.2.1"));
  expect(assigned(bench.pass(500))).toEqual(["a.t.3.1@n1"]);
  bench.end("n1", key("a.t.3.1"));
  expect(assigned(bench.pass(500))).toEqual(["a.t.0.2@n1"]);
});

test("a new leader knows who waits, who has a place, and what has started", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(1)));
  const rated = task("t", { map: mapOver(3), flow: flow({ rate: { limit: 1, perMs: 1000, key: "" } }) });
  const spec = { ...pipeline(rated), concurrency: { group: "", policy: "queue" as const, limit: 1 } };
  saved.take(before.submit(job("a", spec)));
  saved.take(before.submit(job("b", spec)));
  saved.take(before.end("n1", key("a.t.0.1")));
  const after = saved.next(before);
  expect(assigned(after.pass(999))).toEqual([]);
  expect(assigned(after.pass(1))).toEqual(["a.t.1.1@n1"]);
  after.end("n1", key("a.t.1.1"));
  after.pass(1000);
  expect(assigned(after.end("n1", key("a.t.2.1")))).toEqual([]);
  expect(assigned(after.pass(1000))).toEqual(["b.t.0.1@n1"]);
});
