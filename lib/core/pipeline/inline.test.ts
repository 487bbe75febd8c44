import { expect, test } from "vitest";
import type { PipelineSpec__Output } from "../../../proto/gen/weft/v1/PipelineSpec.ts";
import { packageDefinition } from "../../../proto/channel.ts";
import { pipeline } from "../../../sdk/pipeline.ts";
import type { JobId } from "../ids.ts";
import { fromProto } from "./canonical.ts";
import { renderTask } from "./render.ts";
import type { PipelineSpec } from "./spec.ts";
import { type PipelineFiles, readPipeline } from "./yaml.ts";

const TRAIN = `
pipeline: train
params: { depth: 3, note: "it's", unused: null }
tasks:
  list: { run: 'echo {{ params.note }} $WEFT_PARAM_DEPTH > $WEFT_RESULT' }
  fit:
    needs: list
    map: { from: "tasks.list.result.filter(f, f != params.note)" }
    run: fit {{ map.item }} {{ params.depth }} {{ tasks.list.result.0 }}
    outputs: { model: m }
    cache: { params: [depth] }
  clean: { needs: fit, when: always, run: "true" }
  alarm: { needs: fit, when: failed, run: "true" }
`;

function read(text: string, others: Record<string, string> = { "train.yaml": TRAIN }) {
  const files: PipelineFiles = {
    resolve: (from, path) => new URL(path, `file:///${from}`).pathname.slice(1),
    read: (file) => {
      if (Object.hasOwn(others, file)) return others[file]!;
      throw new Error("no such file");
    },
  };
  return readPipeline(text, "weft.yaml", files);
}

function specOf(text: string, others?: Record<string, string>): PipelineSpec {
  const found = read(text, others);
  if (!found.ok)
    throw new Error(found.issues.map(({ line, column, message }) => `${line}:${column} ${message}`).join("\n"));
  return found.spec;
}

const OUTER = `
pipeline: whole
params: { level: 7 }
tasks:
  get: { run: "true" }
  train:
    pipeline: ./train.yaml
    params: { depth: "{{ params.level }}", note: other }
    needs: get
    if: size(tasks.get.succeeded) == params.level
  report: { needs: train, run: "true", inputs: { models: train-fit.model } }
  mourn: { needs: train, when: failed, run: "true" }
`;

test("the tasks of another pipeline are put in its place, and their names mean what they meant", () => {
  const spec = specOf(OUTER);
  expect(spec.tasks.map(({ name, needs }) => [name, needs])).toEqual([
    ["get", []],
    ["train-list", ["get"]],
    ["train-fit", ["train-list"]],
    ["train-clean", ["train-fit", "get"]],
    ["train-alarm", ["train-fit", "get"]],
    ["train", ["train-list", "train-fit", "train-clean", "train-alarm"]],
    ["report", ["train", "train-fit"]],
    ["mourn", ["train"]],
  ]);
  expect(spec.params).toEqual({ level: 7, "train-note": "other", "train-unused": null });
  const condition = "size(tasks.get.succeeded) == params.level";
  expect(spec.tasks.map(({ flow }) => flow.if)).toEqual([
    "",
    condition,
    "",
    `(${condition}) && (tasks["get"].state == "succeeded")`,
    `(${condition}) && (tasks["get"].state == "succeeded")`,
    "",
    "",
    "",
  ]);
  expect(spec.tasks[2]!.flow).toMatchObject({
    mapFrom: { from: 'tasks["train-list"].result.filter(f, f != params["train-note"])' },
    cache: { params: ["level"] },
  });
  const { run, env } = renderTask({
    job: "j" as JobId,
    pipeline: spec,
    params: spec.params,
    task: spec.tasks[2]!,
    index: 0,
    attempt: 1,
    mapValues: ["x"],
    results: new Map([["train-list", ["a b"]]]),
  });
  expect(run).toEqual({ kind: "script", script: "fit 'x' '7' 'a b'" });
  expect(env).toMatchObject({ WEFT_PARAM_DEPTH: "7", WEFT_PARAM_NOTE: "other", WEFT_PARAM_LEVEL: "7" });
});

test("pipelines stand in pipelines that stand in pipelines", () => {
  const middle = `
pipeline: middle
params: { d: 5 }
tasks:
  in: { pipeline: ../train.yaml, params: { depth: "{{ params.d }}" } }
`;
  const spec = specOf(
    "pipeline: p\ntasks:\n  a: { pipeline: sub/middle.yaml, params: { d: 9 } }\n  z: { needs: a, run: 'true' }\n",
    { "sub/middle.yaml": middle, "train.yaml": TRAIN },
  );
  expect(spec.tasks.map(({ name }) => name)).toEqual([
    "a-in-list",
    "a-in-fit",
    "a-in-clean",
    "a-in-alarm",
    "a-in",
    "a",
    "z",
  ]);
  expect(spec.params).toEqual({ "a-d": 9, "a-in-note": "it's", "a-in-unused": null });
  expect(spec.tasks[0]!.flow.aliases).toEqual({ depth: "a-d", note: "a-in-note", unused: "a-in-unused" });
  expect(spec.tasks.slice(4).map(({ needs }) => needs)).toEqual([
    ["a-in-list", "a-in-fit", "a-in-clean", "a-in-alarm"],
    ["a-in-list", "a-in-fit", "a-in-clean", "a-in-alarm", "a-in"],
    ["a"],
  ]);
});

test.each([
  ["a: { pipeline: ./none.yaml }", "3:18 none.yaml cannot be read: no such file"],
  ["a: { pipeline: ./bad.yaml }", '3:18 bad.yaml:1:1: "tasks" is missing'],
  [
    "a: { pipeline: ./train.yaml, params: { dept: 3 } }",
    'pipeline "train" has no parameter "dept" (did you mean "depth"?)',
  ],
  ["a: { pipeline: ./train.yaml, params: { depth: x } }", "its default is 3, so a number would be right"],
  ["a: { pipeline: ./train.yaml, params: { depth: '{{ params.no }}' } }", 'there is no parameter "no"'],
  [
    "a: { pipeline: ./train.yaml, params: { depth: '1{{ params.no }}' } }",
    "one parameter like {{ params.x }} and nothing else",
  ],
  ["a: { pipeline: ./train.yaml, outputs: { a: b } }", '"outputs" is not known in a task that stands for a pipeline'],
  [
    "a: { pipeline: ./train.yaml, map: { x: [1, 2] } }",
    'has no "map": map the tasks in that pipeline, or submit it once',
  ],
  ["a: { pipeline: ./weft.yaml }", "the pipelines stand in each other in a circle: weft.yaml → weft.yaml"],
  ["a: { pipeline: ./loop.yaml }", "circle: weft.yaml → loop.yaml → back.yaml → loop.yaml"],
])("%s is refused: %s", (task, message) => {
  const found = read(`pipeline: p\ntasks:\n  ${task}\n`, {
    "train.yaml": TRAIN,
    "bad.yaml": "pipeline: bad\n",
    "loop.yaml": "pipeline: loop\ntasks:\n  b: { pipeline: back.yaml }\n",
    "back.yaml": "pipeline: back\ntasks:\n  c: { pipeline: ./loop.yaml }\n",
  });
  const text = found.ok
    ? ""
    : found.issues.map(({ line, column, message: said }) => `${line}:${column} ${said}`).join("\n");
  expect(text).toContain(message);
});

test("the builder's pipeline in a pipeline is the same", () => {
  const inner = pipeline("train", { params: { depth: 3 } }).task("fit", { run: "fit {{ params.depth }}" });
  const built = pipeline("whole", { params: { level: 7 } })
    .task("get", { run: "true" })
    .pipeline("train", inner, { needs: ["get"], params: { depth: "{{ params.level }}" } })
    .task("report", { run: "true", needs: ["train"] });
  const { Submit } = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: {
      requestSerialize(value: object): Buffer;
      requestDeserialize(bytes: Buffer): { pipeline: PipelineSpec__Output };
    };
  };
  const sent = fromProto(Submit.requestDeserialize(Submit.requestSerialize({ pipeline: built.toProto() })).pipeline);
  if (!sent.ok) throw new Error(JSON.stringify(sent.issues));
  const text = `
pipeline: whole
params: { level: 7 }
tasks:
  get: { run: "true" }
  train: { pipeline: inner.yaml, needs: get, params: { depth: "{{ params.level }}" } }
  report: { needs: train, run: "true" }
`;
  const inYaml = "pipeline: train\nparams: { depth: 3 }\ntasks:\n  fit: { run: 'fit {{ params.depth }}' }\n";
  expect(sent.spec).toEqual(specOf(text, { "inner.yaml": inYaml }));
});

test("a file that many name is read once", () => {
  const others: Record<string, string> = {};
  for (let i = 0; i < 8; i += 1)
    others[`p${i}.yaml`] =
      `pipeline: p\ntasks:\n  a: { pipeline: ./p${i + 1}.yaml }\n  b: { pipeline: ./p${i + 1}.yaml }\n`;
  others["p8.yaml"] = "pipeline: p\ntasks:\n  t: { run: 'true' }\n";
  const reads: string[] = [];
  const files: PipelineFiles = {
    resolve: (_, path) => path.slice(2),
    read: (file) => (reads.push(file), others[file]!),
  };
  const found = readPipeline(others["p0.yaml"]!, "p0.yaml", files);
  expect(found.ok && found.spec.tasks.length).toBe(256 + 510);
  expect(reads).toHaveLength(8);
});
