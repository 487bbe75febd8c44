import { expect, test } from "vitest";
import { expandAssignment, gatherReports } from "../../lib/core/alike.ts";
import type { EndedRangeReport } from "../../lib/core/dispatch.ts";
import type { NodeId } from "../../lib/core/ids.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import { digestBytes } from "../../lib/digest.ts";
import { Saved } from "../../test/support/saved.ts";
import {
  assigned,
  Bench,
  capacity,
  endedReport,
  job,
  key,
  mapOver,
  output,
  pipeline,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { rangeTasks } from "./index.ts";

const N1 = "n1" as NodeId;
const NAMES = ["a", "b", "c", "d", "e"];

function begun(spec: PipelineSpec): { readonly bench: Bench; readonly batch: ReturnType<Bench["submit"]> } {
  const bench = new Bench();
  bench.join("n1", capacity(10));
  return { bench, batch: bench.submit(job("j", spec)) };
}

const alike = pipeline(...NAMES.map((name) => task(name)), task("last", { needs: NAMES }));

/** Ends of these tasks of job j, as a node tells them. */
function bundle(names: readonly string[]): EndedRangeReport {
  return gatherReports(names.map((name) => endedReport(key(`j.${name}.0.1`), SUCCEEDED)))[0] as EndedRangeReport;
}

function end(bench: Bench, report: EndedRangeReport, node = N1) {
  const answer = bench.step({ kind: "rangeEnded", node, report });
  return { answer, batch: bench.settle() };
}

test("tasks that are alike travel, end and are recorded as one, with a row each", () => {
  const { bench, batch: first } = begun(alike);
  expect(first.assign.map(({ assignment }) => assignment.alike)).toEqual([
    { count: 5, tasks: NAMES, env: {}, runs: null },
  ]);
  expect(first.tasks).toEqual([]);
  expect(first.ranges.flatMap(rangeTasks)).toMatchObject(
    NAMES.map((name) => ({ task: name, index: 0, attempt: 1, state: "assigned", node: N1 })),
  );
  const { answer, batch } = end(bench, bundle(NAMES));
  expect(answer).toEqual({ kind: "done" });
  expect(batch.ended).toEqual([]);
  expect(batch.endedRanges).toMatchObject([{ runs: [{ argv: ["true"] }], report: { tasks: NAMES } }]);
  expect(rows(batch)).toEqual([...NAMES.map((name) => `${name}.0#1 succeeded`), "last.0#1 assigned"]);
  expect(assigned(batch)).toEqual(["j.last.0.1@n1"]);
});

test("what each runs is its own; who has more to itself goes alone", () => {
  const own = (name: string) => ({ kind: "script", script: `echo ${name} {{ task.attempt }}` }) as const;
  const { batch } = begun(
    pipeline(
      ...NAMES.map((name) => task(name, { run: own(name) })),
      task("env", { env: { A: "1" } }),
      task("kept", { outputs: { model: "model" } }),
      task("mapped", { map: mapOver(2) }),
    ),
  );
  const sent = batch.assign.flatMap(({ assignment }) => expandAssignment(assignment));
  expect(sent.map(({ ref, run }) => [ref.task, "script" in run ? run.script : ""])).toEqual([
    ["env", ""],
    ["kept", ""],
    ["mapped", ""],
    ["mapped", ""],
    ...NAMES.map((name) => [name, `echo ${name} '1'`]),
  ]);
});

test("tasks that read from outside go alone, each with what it reads", () => {
  const pin = (name: string) =>
    ({ digest: digestBytes(name), kind: "file", bytes: 1, fileName: name, node: `dataset:${name}@1` }) as const;
  const { batch } = begun(
    pipeline(
      ...NAMES.map((name) => task(name, { sources: { x: { from: `dataset:${name}`, pin: pin(name) } } })),
      ...NAMES.map((name) => task(`${name}u`, { sources: { x: { from: `https://x.test/${name}` } } })),
    ),
  );
  const sent = batch.assign.flatMap(({ assignment }) => expandAssignment(assignment));
  expect(sent.map(({ ref, inputs, sources = [] }) => [ref.task, inputs[0]?.fileName ?? sources[0]?.fileName])).toEqual(
    NAMES.flatMap((name) => [[name, name]]).concat(NAMES.map((name) => [`${name}u`, name])),
  );
});

test("one of a bundle that starts, fails or leaves outputs has a row and a record of its own", () => {
  const { bench } = begun(alike);
  bench.start("n1", key("j.b.0.1"));
  const failed = bench.end("n1", key("j.c.0.1"), { kind: "failed", reason: "exit" });
  expect(rows(failed)).toEqual(["c.0#1 failed"]);
  expect(bench.end("n1", key("j.d.0.1"), SUCCEEDED, { outputs: [output("x")] }).ended).toHaveLength(1);
  const { answer, batch } = end(bench, bundle(NAMES));
  // Those that have ended already.
  expect(answer).toEqual({ kind: "stale", count: 2 });
  expect(batch.ended.map(({ assignment }) => assignment.ref.task)).toEqual(["b"]);
  expect(batch.endedRanges).toMatchObject([{ report: { key: "j.a.0.1", tasks: ["a", "e"], startedAtMs: [1, 1] } }]);
  expect(rows(batch).filter((row) => !row.startsWith("last"))).toEqual([
    "a.0#1 succeeded",
    "e.0#1 succeeded",
    "b.0#1 succeeded",
  ]);
});

test("an end from a node that was not given the task, or told again, changes nothing", () => {
  const { bench } = begun(alike);
  bench.join("n2");
  expect(end(bench, bundle(NAMES), "n2" as NodeId).answer).toEqual({ kind: "stale", count: 5 });
  expect(end(bench, bundle(NAMES)).answer).toEqual({ kind: "done" });
  expect(end(bench, bundle(NAMES)).answer).toEqual({ kind: "stale", count: 5 });
});

test("a later attempt is no longer of the bundle", () => {
  const { bench } = begun(alike);
  bench.end("n1", key("j.a.0.1"), { kind: "lost", reason: "drained" });
  const { answer, batch } = end(bench, bundle(NAMES));
  expect(answer).toEqual({ kind: "stale", count: 1 });
  expect(batch.endedRanges).toMatchObject([{ report: { tasks: NAMES.slice(1) } }]);
  expect(bench.end("n1", key("j.a.0.2")).ended).toMatchObject([{ assignment: { ref: { task: "a", attempt: 2 } } }]);
});

test("a new leader reads the rows of a bundle, and takes its end", () => {
  const saved = new Saved();
  const bench = new Bench();
  saved.take(bench.join("n1", capacity(10)));
  saved.take(bench.submit(job("j", alike)));
  const next = saved.next(bench);
  next.hear(
    "n1",
    NAMES.map((name) => key(`j.${name}.0.1`)),
  );
  const { batch } = end(next, bundle(NAMES));
  expect(batch.endedRanges).toHaveLength(1);
  expect(rows(saved.take(batch))).toContain("last.0#1 assigned");
});

test("an end that comes in one report with instances of a map ends those of the map in their range", () => {
  const { bench } = begun(pipeline(...NAMES.map((name) => task(name)), task("m", { map: mapOver(5) })));
  const { answer, batch } = end(bench, bundle([...NAMES, "m"]));
  expect(answer).toEqual({ kind: "done" });
  expect(batch.ranges).toMatchObject([{ task: "m", index: 0, count: 1 }, { tasks: NAMES }]);
});
