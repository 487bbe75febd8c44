import { expect, test } from "vitest";
import { Bench, endedReport, job, key, pipeline, SUCCEEDED, task } from "../../test/support/build.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";

const cancel = { kind: "jobCancelRequested", job: "j1" as JobId, reason: "" } as const;

test("a job whose cancel was accepted is cancelled, also when all that ran came to its end meanwhile", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("j1", pipeline(task("a"))));
  expect(bench.step(cancel)).toEqual({ kind: "done" });
  const batch = bench.end("n1", key("j1.a.0.1"));
  expect(batch.tasks).toMatchObject([{ state: "succeeded" }]);
  expect(batch.jobs).toMatchObject([{ state: "cancelled", cancelRequested: true, reason: "cancelled" }]);
});

test("a cancel that comes in the round in which the job ended is refused", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("j1", pipeline(task("a"))));
  bench.step({ kind: "attemptEnded", node: "n1" as NodeId, report: endedReport(key("j1.a.0.1"), SUCCEEDED) });
  expect(bench.step(cancel)).toMatchObject({ kind: "refused", code: "not_found" });
  expect(bench.settle().jobs).toMatchObject([{ state: "succeeded", cancelRequested: false, reason: "" }]);
});
