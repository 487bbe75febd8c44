import { expect, test } from "vitest";
import type { JobId } from "../ids.ts";
import { complete, type TaskDraft } from "./canonical.ts";
import { bindParams } from "./params.ts";
import { renderTask } from "./render.ts";
import type { PipelineSpec, Scalar } from "./spec.ts";

const pipelineOf = (
  params: Record<string, Scalar>,
  ...tasks: (Partial<TaskDraft> & { name: string })[]
): PipelineSpec =>
  complete({ name: "p", params, tasks: tasks.map((task) => ({ run: { kind: "script", script: "true" }, ...task })) });

const render = (pipeline: PipelineSpec, name: string, index = 0, attempt = 1): ReturnType<typeof renderTask> => {
  const task = pipeline.tasks.find((each) => each.name === name)!;
  return renderTask({ job: "0job" as JobId, pipeline, params: pipeline.params, task, index, attempt });
};

test("a script gets its values quoted, an argument list and variables get them as they are", () => {
  const task = {
    name: "t",
    map: [{ name: "seed", values: [7, "a b"] }],
    outputs: { model: "out/model/" },
    env: { NOTE: "{{ params.note }}/{{ task.index }}/{{ task.attempt }}/{{ job.id }}" },
  };
  const text = "x {{ params.note }} {{ map.seed }} {{ outputs.model }}";
  const script = pipelineOf({ note: "it's" }, { ...task, run: { kind: "script", script: text } });
  expect(render(script, "t", 1, 2)).toEqual({
    run: { kind: "script", script: `x 'it'\\''s' 'a b' 'out/model'` },
    env: { WEFT_PARAM_NOTE: "it's", WEFT_MAP_SEED: "a b", NOTE: "it's/1/2/0job" },
  });
  const command = pipelineOf({ note: "it's" }, { ...task, run: { kind: "command", argv: ["x", text] } });
  expect(render(command, "t").run).toEqual({ kind: "command", argv: ["x", "x it's 7 out/model"] });
});

test("an input is the producer's file, or the folder of its instances when it is mapped", () => {
  const run = { kind: "script", script: "{{ inputs.one }} {{ inputs.many }} {{ inputs.dir }}" } as const;
  const pipeline = pipelineOf(
    {},
    { name: "a", outputs: { out: "deep/table.csv", dir: "deep/model/" } },
    { name: "b", outputs: { out: "r.json" }, map: [{ name: "i", values: [1] }] },
    {
      name: "c",
      run,
      inputs: {
        one: { task: "a", output: "out" },
        dir: { task: "a", output: "dir" },
        many: { task: "b", output: "out" },
      },
    },
  );
  expect(render(pipeline, "c").run).toEqual({
    kind: "script",
    script: "'inputs/one/table.csv' 'inputs/many' 'inputs/dir/model'",
  });
});

test("scalars other than text become JSON, and names become variables", () => {
  const pipeline = pipelineOf({ "learning-rate": 0.1, on: true, none: null, big: 1e21 }, { name: "t" });
  expect(render(pipeline, "t").env).toEqual({
    WEFT_PARAM_LEARNING_RATE: "0.1",
    WEFT_PARAM_ON: "true",
    WEFT_PARAM_NONE: "null",
    WEFT_PARAM_BIG: "1e+21",
  });
});

test("names of JavaScript's own are names like others", () => {
  const run = { kind: "script", script: "{{ params.constructor }}" } as const;
  expect(render(pipelineOf({ constructor: "x" }, { name: "toString", run }), "toString").run).toEqual({
    kind: "script",
    script: "'x'",
  });
});

test("10,000 instances are rendered in a fraction of a second", () => {
  const run = { kind: "script", script: "echo {{ map.i }} {{ params.x }}" } as const;
  const values = Array.from({ length: 10_000 }, (_, i) => i);
  const pipeline = pipelineOf({ x: 1 }, { name: "t", run, map: [{ name: "i", values }] });
  const startedAt = performance.now();
  for (const i of values) render(pipeline, "t", i);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

const issuesOf = (pipeline: PipelineSpec, given: Record<string, Scalar>): string[] => {
  const bound = bindParams(pipeline, given);
  return bound.ok ? [] : bound.issues.map(({ message }) => message);
};

test("parameters that were not declared, or are of another kind, are refused", () => {
  const pipeline = pipelineOf({ rate: 0.1, name: "x", free: null }, { name: "t" });
  expect(bindParams(pipeline, { rate: 2, free: "a" })).toEqual({ ok: true, params: { rate: 2, name: "x", free: "a" } });
  expect(issuesOf(pipeline, { raet: 1 })).toEqual(['pipeline "p" has no parameter "raet" (did you mean "rate"?)']);
  expect(issuesOf(pipeline, { rate: "fast" })).toEqual([
    'parameter "rate" is "fast"; its default is 0.1, so a number would be right',
  ]);
  expect(issuesOf(pipeline, { name: "a\0b" })[0]).toContain("holds a zero byte");
  expect(issuesOf(pipeline, { name: "\ud800" })[0]).toContain("half a character");
  expect(issuesOf(pipeline, { name: "x".repeat(16_001) })[0]).toContain("has 16001 bytes; at most 16000 are allowed");
});

test("a script that values would make too long for a process is refused before the job is taken", () => {
  const run = { kind: "script", script: "echo {{ params.name }} ".repeat(10) } as const;
  const pipeline = pipelineOf({ name: "" }, { name: "t", run });
  expect(issuesOf(pipeline, { name: "x".repeat(15_000) })).toEqual([
    'the script of task "t" can have 150101 bytes once the values are put in; at most 131071 are allowed (pass large values in files)',
  ]);
  expect(issuesOf(pipeline, { name: "'".repeat(4_000) })).toHaveLength(1);
  expect(issuesOf(pipeline, { name: "x".repeat(4_000) })).toEqual([]);
});
