import { expect, test } from "vitest";
import { fromProto, toProto } from "./canonical.ts";
import type { PipelineSpec__Output } from "../../../proto/gen/weft/v1/PipelineSpec.ts";
import { packageDefinition } from "../../../proto/channel.ts";
import { readPipeline } from "./yaml.ts";
import type { PipelineSpec } from "./spec.ts";

/** The tasks of a pipeline, each under its name, as YAML. */
function read(tasks: string) {
  return readPipeline(`pipeline: p\nparams: { n: 1, who: ann }\ntasks:\n${tasks}`, "weft.yaml");
}

function specOf(tasks: string): PipelineSpec {
  const found = read(tasks);
  if (!found.ok) throw new Error(found.issues.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return found.spec;
}

function issuesOf(tasks: string): string[] {
  const found = read(tasks);
  return found.ok ? [] : found.issues.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

/** As it arrives at the server. */
function sent(spec: PipelineSpec): PipelineSpec {
  const { Submit } = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: {
      requestSerialize(value: object): Buffer;
      requestDeserialize(bytes: Buffer): { pipeline: PipelineSpec__Output };
    };
  };
  const read = fromProto(Submit.requestDeserialize(Submit.requestSerialize({ pipeline: toProto(spec) })).pipeline);
  if (!read.ok) throw new Error(JSON.stringify(read.issues));
  return read.spec;
}

test("when and how a task runs is read, and travels whole", () => {
  const spec = specOf(`
  a: { run: "true", retries: { limit: 2, reasons: [timeout, out-of-memory], crashes: 0 }, map: { i: [1, 2, 3] }, tolerate: 2 }
  b: { run: "true", needs: a, when: always, tolerate: 12.5%, metricTolerance: 0.01 }
  c: { run: "true", needs: b, when: failed, metricTolerance: { loss: 0.5, "*": 0 } }
`);
  expect(spec.tasks.map(({ flow }) => [flow.when, flow.tolerate])).toEqual([
    ["succeeded", { count: 2, share: 0 }],
    ["always", { count: 0, share: 0.125 }],
    ["failed", { count: 0, share: 0 }],
  ]);
  expect(spec.tasks.map(({ flow }) => flow.metricTolerance)).toEqual([null, { "*": 0.01 }, { loss: 0.5, "*": 0 }]);
  expect(spec.tasks[0]!.retries).toMatchObject({ reasons: ["out-of-memory", "timeout"], crashes: 0 });
  expect(sent(spec)).toEqual(spec);
});

test("what cannot be meant is refused where it stands", () => {
  expect(
    issuesOf(`
  a: { run: "true", when: always, retries: { limit: 1, reasons: [timeoot] } }
  b: { run: "true", needs: a, when: allways }
  c: { run: "true", tolerate: 110% }
  d: { run: "true", tolerate: some }
  e: { run: "true", map: { i: [1, 2] }, tolerate: 2 }
`),
  ).toEqual([
    '5:65 "timeoot" is no reason of a failure (did you mean "timeout"?)',
    '6:37 "allways" is no end of a task to wait for (did you mean "always"?)',
    '8:31 "tolerate" is "some"; a number of instances like 3, or a share like "10%" would be right',
  ]);
  expect(
    issuesOf(`
  a: { run: "true", when: always }
  c: { run: "true", tolerate: 110% }
  e: { run: "true", map: { i: [1, 2] }, tolerate: 2 }
  f: { run: "true", metricTolerance: -1 }
`),
  ).toEqual([
    '5:27 task "a" runs when always, and needs no task that could end; name one in "needs"',
    "6:31 110% of failures cannot be tolerated; a whole number from 0, or 0% to 100% would be right",
    "7:51 2 failures are tolerated of 2 instances, so the task could never fail; write 100% if that is meant",
    "8:38 the metric may be off by -1 of what it was; a share from 0 on would be right, like 0.01",
  ]);
});

test("groups, rates, conditions, lists and approvals are read, and travel whole", () => {
  const found = readPipeline(
    `
pipeline: p
params: { to: test }
concurrency: { group: "d-{{ params.to }}", policy: skip, limit: 2 }
rate: { limit: 3, per: 1m }
tasks:
  a: { run: "true", rate: { limit: 1, per: 10s, key: api } }
  b: { run: "{{ tasks.a.result.x }} {{ map.f }}", needs: a, map: { from: tasks.a.result.l, as: [f, g] }, if: params.to == "test" }
  c: { needs: b, approve: { by: ann, timeout: 2h, message: sure? } }
`,
    "weft.yaml",
  );
  if (!found.ok) throw new Error(found.issues.map(({ message }) => message).join("; "));
  const { spec } = found;
  expect(spec).toMatchObject({
    concurrency: { group: "d-{{ params.to }}", policy: "skip", limit: 2 },
    rate: { limit: 3, perMs: 60_000, key: "" },
  });
  expect(spec.tasks.map(({ flow }) => flow)).toMatchObject([
    { rate: { limit: 1, perMs: 10_000, key: "api" } },
    { if: 'params.to == "test"', mapFrom: { from: "tasks.a.result.l", as: ["f", "g"] } },
    { approve: { by: ["ann"], timeoutMs: 7_200_000, message: "sure?" } },
  ]);
  expect(sent(spec)).toEqual(spec);
});

test.each([
  ['a: { run: "true", if: tasks.b.result }', '"b" is not among the "needs" of the task'],
  ['a: { run: "true", if: params.m == 1 }', 'there is no parameter "m"'],
  ['a: { run: "true", if: params.n + }', "Unexpected token: EOF"],
  ['a: { run: "true", if: "size(params.who)" }', "gives a value of type int; a condition is true or false"],
  ['a: { run: "true", map: { from: params.n == 1 } }', "gives a value of type bool; a map goes over a list"],
  ['a: { run: "true", map: { from: params.who, as: [] } }', "0 names are given to an element"],
  ['a: { run: "{{ tasks.b.result }}" }', '"b" is not among the "needs" of the task'],
  ['a: { run: "true", approve: {} }', 'waits for an approval, and runs nothing; take "run" away'],
  ["a: { approve: { by: [ann], wait: 1h } }", '"wait" is not known in "approve"'],
  ['a: { run: "true", rate: { limit: 0, per: 1s } }', "0 starts; a whole number from 1 to 1000 would be right"],
  ['a: { run: "true", rate: { limit: 1 } }', '"rate" does not say "per"'],
  ['a: { run: "true", rate: { limit: 1, per: 1s, key: "{{ job.id }}" } }', "only {{ params.NAME }} can be used here"],
])("%s is refused: %s", (task, message) => {
  expect(issuesOf(`  ${task}\n`).join("\n")).toContain(message);
});
