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
  output,
  pipeline,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { type MapRow, type TaskRow } from "./index.ts";

/** A bench that keeps the rows of a job that has ended. */
function kept(): {
  bench: Bench;
  tasks: TaskRow[];
  maps: MapRow[];
  take: (batch: ReturnType<Bench["settle"]>) => ReturnType<Bench["settle"]>;
} {
  const bench = new Bench();
  bench.join("n1");
  const latest = new Map<string, TaskRow>();
  const tasks: TaskRow[] = [];
  const maps: MapRow[] = [];
  const take = (batch: ReturnType<Bench["settle"]>) => {
    for (const row of batch.tasks) latest.set(`${row.task}.${row.index}`, row);
    tasks.splice(0, Infinity, ...latest.values());
    maps.push(...batch.maps);
    return batch;
  };
  return { bench, tasks, maps, take };
}

const SPEC = pipeline(
  task("list", { outputs: { files: "f" } }),
  task("fit", {
    needs: ["list"],
    flow: flow({ mapFrom: { from: "tasks.list.result", as: ["i"] } }),
    outputs: { model: "m" },
  }),
  task("best", { needs: ["fit"], inputs: { models: { task: "fit", output: "model" } } }),
  task("clean", { needs: ["best"], flow: flow({ when: "always" }) }),
);

function failedAtFit() {
  const it = kept();
  const { bench, take } = it;
  take(bench.submit(job("a", SPEC)));
  take(bench.end("n1", key("a.list.0.1"), SUCCEEDED, { result: ["x", "y", "z"], outputs: [output("files")] }));
  take(bench.end("n1", key("a.fit.0.1"), SUCCEEDED, { outputs: [output("model")] }));
  take(bench.end("n1", key("a.fit.1.1"), FAILED));
  take(bench.end("n1", key("a.fit.2.1"), SUCCEEDED, { outputs: [output("model")] }));
  take(bench.end("n1", key("a.clean.0.1")));
  return it;
}

test("a retry runs what had not succeeded and all behind it, with the outputs and lists of before", () => {
  const { bench, tasks, maps } = failedAtFit();
  bench.step({ kind: "jobSubmitted", job: job("b", SPEC), adopted: { of: "a" as JobId, tasks, maps } });
  const first = bench.settle();
  expect(rows(first)).toEqual(["list.0#0 succeeded", "fit.0#0 succeeded", "fit.2#0 succeeded", "fit.1#1 assigned"]);
  expect(first.tasks[0]).toMatchObject({ reason: "taken-over", message: "taken over from job a" });
  expect(first.maps).toEqual([{ job: "b", task: "fit", count: 3, values: ["x", "y", "z"] }]);
  expect(first.assign[0]?.assignment.env["WEFT_MAP_I"]).toBe("y");
  const second = bench.end("n1", key("b.fit.1.1"), SUCCEEDED, { outputs: [output("model", "1")] });
  expect(second.assign[0]?.assignment.inputs.map(({ index, digest }) => [index, digest[7]])).toEqual([
    [0, "0"],
    [1, "1"],
    [2, "0"],
  ]);
  expect(assigned(bench.end("n1", key("b.best.0.1")))).toEqual(["b.clean.0.1@n1"]);
  expect(bench.end("n1", key("b.clean.0.1")).jobs).toMatchObject([{ state: "succeeded" }]);
});

test("what is taken over survives a new leader, also while the job waits for its group", () => {
  const { bench, tasks, maps } = failedAtFit();
  const saved = new Saved();
  const spec = { ...SPEC, concurrency: { group: "g", policy: "queue" as const, limit: 1 } };
  saved.take(bench.join("n1"));
  saved.take(bench.submit(job("h", { ...pipeline(task("t")), concurrency: spec.concurrency })));
  bench.step({ kind: "jobSubmitted", job: job("b", spec), adopted: { of: "a" as JobId, tasks, maps } });
  const held = saved.take(bench.settle());
  expect(assigned(held)).toEqual([]);
  const after = saved.next(bench);
  expect(assigned(after.settle())).toEqual([]);
  expect(assigned(after.end("n1", key("h.t.0.1")))).toEqual(["b.fit.1.1@n1"]);
});

test("what was skipped by its condition stays so, what was tolerated too, and approvals are not asked for again", () => {
  const { bench, tasks, maps, take } = kept();
  const spec = pipeline(
    task("some", { map: mapOver(2), flow: flow({ tolerate: { count: 1, share: 0 } }) }),
    task("never", { flow: flow({ if: "false" }) }),
    task("gate", { flow: flow({ approve: { by: [], timeoutMs: 1000, message: "" } }) }),
    task("last", { needs: ["some", "never", "gate"], flow: flow({ when: "always" }) }),
  );
  take(bench.submit(job("a", spec)));
  bench.step({ kind: "approvalGiven", job: "a" as JobId, task: "gate", by: "ann", approved: true, comment: "" });
  take(bench.settle());
  take(bench.end("n1", key("a.some.0.1"), FAILED));
  take(bench.end("n1", key("a.some.1.1")));
  expect(take(bench.end("n1", key("a.last.0.1"), FAILED)).jobs).toMatchObject([{ state: "failed" }]);
  bench.step({ kind: "jobSubmitted", job: job("b", spec), adopted: { of: "a" as JobId, tasks, maps } });
  const batch = bench.settle();
  expect(rows(batch).toSorted()).toEqual([
    "gate.0#0 succeeded",
    "last.0#1 assigned",
    "never.0#0 skipped",
    "some.0#0 failed",
    "some.1#0 succeeded",
  ]);
  expect(bench.end("n1", key("b.last.0.1")).jobs).toMatchObject([{ state: "succeeded", reason: "" }]);
});

test("a task that ends as its job starts lets those behind it follow", () => {
  const bench = new Bench();
  bench.join("n1");
  const last = task("last", { needs: ["never"], flow: flow({ when: "always" }) });
  expect(assigned(bench.submit(job("a", pipeline(task("never", { flow: flow({ if: "false" }) }), last))))).toEqual([
    "a.last.0.1@n1",
  ]);
});
