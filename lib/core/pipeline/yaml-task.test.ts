import { expect, test } from "vitest";
import { toProto } from "./canonical.ts";
import { readPipeline } from "./yaml.ts";

test("a checkpoint is stored at an interval where one is given, of a second at least", () => {
  const of = (checkpoint: string) => `pipeline: p\ntasks:\n  a: { run: x, checkpoint: ${checkpoint} }\n`;
  const found = readPipeline(of("{ every: 5m }"), "weft.yaml");
  if (!found.ok) throw new Error(JSON.stringify(found.issues));
  const { spec } = found;
  expect(spec.tasks[0]).toMatchObject({ checkpoint: true, checkpointEveryMs: 300_000 });
  expect(toProto(spec).tasks![0]).toMatchObject({ checkpoint: true, checkpointEveryMs: 300_000 });
  for (const [wrong, message] of [
    ["{ every: 10ms }", "a checkpoint every 10ms; 1s to 365d would be right"],
    ["{ each: 5m }", '"each" is not known in "checkpoint"'],
    ["often", '"checkpoint" is "often"; true or false would be right'],
  ] as const) {
    const result = readPipeline(of(wrong), "weft.yaml");
    expect(result.ok ? "" : result.issues.map((issue) => issue.message).join()).toContain(message);
  }
});
