import { expect, test } from "vitest";
import type { JobId } from "../../lib/core/ids.ts";
import { assigned, Bench, flow, job, key, pipeline, rows, task } from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { explain } from "./index.ts";

const A = "a" as JobId;
const HOUR_MS = 3_600_000;

function asked(bench: Bench, saved = new Saved()): Saved {
  const gate = task("gate", {
    needs: ["build"],
    flow: flow({ approve: { by: ["ann", "bob"], timeoutMs: 24 * HOUR_MS, message: "to production?" } }),
  });
  const deploy = task("deploy", { needs: ["gate"], flow: flow({ if: "tasks.gate.result.by == 'ann'" }) });
  saved.take(bench.join("n1"));
  saved.take(bench.submit(job("a", pipeline(task("build"), gate, deploy))));
  return saved;
}

const word = (by: string, approved = true) =>
  ({ kind: "approvalGiven", job: A, task: "gate", by, approved, comment: "go" }) as const;

test("a task waits for the word of one of those who may give it, and keeps who, when and what", () => {
  const bench = new Bench();
  asked(bench);
  expect(bench.step(word("ann"))).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("does not ask yet"),
  });
  const batch = bench.end("n1", key("a.build.0.1"));
  expect(rows(batch)).toEqual(["build.0#1 succeeded", "gate.0#0 waiting"]);
  bench.nowMs += HOUR_MS;
  expect(explain(bench.state, A, "gate", 0, bench.nowMs)).toEqual({
    state: "waiting",
    sinceMs: bench.nowMs - HOUR_MS,
    reasons: [
      {
        kind: "approval",
        message: "waits for approval by ann or bob: to production?; in 23h it fails (weft approve a gate)",
        nodesFailing: {},
      },
    ],
  });
  expect(bench.step(word("eve"))).toMatchObject({
    kind: "refused",
    code: "failed_precondition",
    message: 'task gate is approved by ann, bob; "eve" is not among them',
  });
  expect(bench.step(word("ann"))).toEqual({ kind: "done" });
  const given = bench.settle();
  expect(assigned(given)).toEqual(["a.deploy.0.1@n1"]);
  const result = { approved: true, by: "ann", comment: "go", atMs: bench.nowMs };
  expect(given.tasks[0]).toMatchObject({ state: "succeeded", message: "approved by ann: go", result });
  expect(bench.step(word("bob"))).toMatchObject({ kind: "refused", message: expect.stringContaining("asks no more") });
  expect(bench.end("n1", key("a.deploy.0.1")).jobs).toMatchObject([{ state: "succeeded" }]);
});

test("a rejection fails the task and the job, and says who", () => {
  const bench = new Bench();
  asked(bench);
  bench.end("n1", key("a.build.0.1"));
  bench.step(word("bob", false));
  const batch = bench.settle();
  expect(rows(batch)).toEqual(["gate.0#0 failed", "deploy.0#0 skipped"]);
  expect(batch.jobs).toMatchObject([{ state: "failed", reason: "gate: rejected by bob: go" }]);
});

test("an approval that nobody gives fails at its time limit, also when another leader has taken over", () => {
  const bench = new Bench();
  const saved = asked(bench);
  saved.take(bench.end("n1", key("a.build.0.1")));
  bench.pass(HOUR_MS);
  const after = saved.next(bench);
  expect(after.pass(23 * HOUR_MS - 1).jobs).toEqual([]);
  const reason = "gate: nobody approved it within 1d (asked for: ann, bob)";
  expect(after.pass(1).jobs).toMatchObject([{ state: "failed", reason }]);
});

test("a job that is cancelled asks no more", () => {
  const bench = new Bench();
  asked(bench);
  bench.end("n1", key("a.build.0.1"));
  bench.step({ kind: "jobCancelRequested", job: A, reason: "" });
  expect(bench.settle().jobs).toMatchObject([{ state: "cancelled" }]);
});
