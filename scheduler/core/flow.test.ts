import { expect, test } from "vitest";
import type { JobId } from "../../lib/core/ids.ts";
import {
  assigned,
  Bench,
  FAILED,
  flow,
  job,
  key,
  mapOver,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";

const after = (name: string, needs: string[], when: "succeeded" | "always" | "failed" = "succeeded") =>
  task(name, { needs, flow: flow({ when }) });

test("an always task runs after what it needs has ended, however, and the job still fails", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("bad"), after("clean", ["bad"], "always"))));
  expect(assigned(bench.end("n1", key("a.bad.0.1"), FAILED, { message: "exit code 1" }))).toEqual(["a.clean.0.1@n1"]);
  expect(bench.end("n1", key("a.clean.0.1")).jobs).toMatchObject([{ state: "failed", reason: "bad: exit code 1" }]);
});

test("an always task waits for all that is before it, also behind a task that is skipped", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(
    job("a", pipeline(task("bad"), task("slow"), after("both", ["bad", "slow"]), after("clean", ["both"], "always"))),
  );
  const first = bench.end("n1", key("a.bad.0.1"), FAILED);
  expect(rows(first)).toEqual(["bad.0#1 failed"]);
  const second = bench.end("n1", key("a.slow.0.1"));
  expect(rows(second)).toEqual(["slow.0#1 succeeded", "both.0#0 skipped", "clean.0#1 assigned"]);
});

test("a task for failures runs when something before it failed, at any distance, and is skipped when nothing has", () => {
  const bench = new Bench();
  bench.join("n1");
  const spec = pipeline(task("first"), after("second", ["first"]), after("alarm", ["second"], "failed"));
  bench.submit(job("a", spec));
  expect(assigned(bench.end("n1", key("a.first.0.1"), FAILED))).toEqual(["a.alarm.0.1@n1"]);
  expect(bench.end("n1", key("a.alarm.0.1")).jobs).toMatchObject([{ state: "failed" }]);
  bench.submit(job("b", spec));
  bench.end("n1", key("b.first.0.1"));
  const last = bench.end("n1", key("b.second.0.1"));
  expect(rows(last)).toEqual(["second.0#1 succeeded", "alarm.0#0 skipped"]);
  expect(last.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("what needs a skipped task is skipped, and the job succeeds", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("ok"), after("alarm", ["ok"], "failed"), after("next", ["alarm"]))));
  const last = bench.end("n1", key("a.ok.0.1"));
  expect(last.tasks.map(({ message }) => message)).toEqual([
    "",
    "runs when something before it fails, and nothing has",
    "needs alarm, which was skipped",
  ]);
  expect(last.jobs).toMatchObject([{ state: "succeeded", reason: "" }]);
});

test("a share of the instances may fail: the task counts as succeeded, and one more makes it fail", () => {
  const bench = new Bench();
  bench.join("n1");
  const many = task("many", { map: mapOver(4), flow: flow({ tolerate: { count: 0, share: 0.3 } }) });
  for (const [id, bad] of [
    ["a", 1],
    ["b", 2],
  ] as const) {
    bench.submit(job(id, pipeline(many, after("gather", ["many"]))));
    for (let i = 0; i < 3; i += 1) bench.end("n1", key(`${id}.many.${i}.1`), i < bad ? FAILED : SUCCEEDED);
    const last = bench.end("n1", key(`${id}.many.3.1`));
    expect(rows(last)[1]).toBe(bad === 1 ? "gather.0#1 assigned" : "gather.0#0 skipped");
    if (bad === 2) {
      const reason = "more than the 1 tolerated of 4 instances failed; many[1]: exit";
      expect(last.jobs).toMatchObject([{ state: "failed", reason }]);
    } else expect(bench.end("n1", key("a.gather.0.1")).jobs).toMatchObject([{ state: "succeeded", reason: "" }]);
  }
});

test("a cancelled job runs nothing more, not even what always runs", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t"), after("clean", ["t"], "always"))));
  bench.step({ kind: "jobCancelRequested", job: "a" as JobId, reason: "" });
  bench.settle();
  const last = bench.end("n1", key("a.t.0.1"), { kind: "stopped", reason: "cancelled" });
  expect(last.assign).toEqual([]);
  expect(last.jobs).toMatchObject([{ state: "cancelled" }]);
});

test("retries go by exit code or by reason", () => {
  const bench = new Bench();
  bench.join("n1");
  const retries = retriesOf({ limit: 9, exitCodes: [75], reasons: ["timeout"] });
  bench.submit(job("a", pipeline(task("t", { retries }))));
  expect(assigned(bench.end("n1", key("a.t.0.1"), FAILED, { exitCode: 75 }))).toEqual(["a.t.0.2@n1"]);
  expect(assigned(bench.end("n1", key("a.t.0.2"), { kind: "failed", reason: "timeout" }))).toEqual(["a.t.0.3@n1"]);
  expect(rows(bench.end("n1", key("a.t.0.3"), FAILED, { exitCode: 1 }))).toEqual(["t.0#3 failed"]);
});

test("what loses its machine again and again is given up; what was drained is not counted", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t", { retries: retriesOf({ crashes: 2 }) }))));
  for (let i = 1; i <= 10; i += 1) bench.end("n1", key(`a.t.0.${i}`), { kind: "lost", reason: "drained" });
  for (let i = 11; i <= 12; i += 1) bench.end("n1", key(`a.t.0.${i}`), { kind: "lost", reason: "lease-lost" });
  const last = bench.end("n1", key("a.t.0.13"), { kind: "lost", reason: "lease-lost" });
  expect(last.tasks).toMatchObject([{ state: "failed", losses: 13, crashes: 3 }]);
  expect(last.jobs[0]?.reason).toContain("given up after 3 losses");
});
