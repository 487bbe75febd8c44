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
  b: { run: "true", needs: a, when: always, tolerate: 12.5% }
  c: { run: "true", needs: b, when: failed }
`);
  expect(spec.tasks.map(({ flow }) => [flow.when, flow.tolerate])).toEqual([
    ["succeeded", { count: 2, share: 0 }],
    ["always", { count: 0, share: 0.125 }],
    ["failed", { count: 0, share: 0 }],
  ]);
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
`),
  ).toEqual([
    '5:27 task "a" runs when always, and needs no task that could end; name one in "needs"',
    "6:31 110% of failures cannot be tolerated; a whole number from 0, or 0% to 100% would be right",
    "7:51 2 failures are tolerated of 2 instances, so the task could never fail; write 100% if that is meant",
  ]);
});
