import { describe, expect, test } from "vitest";
import { packageDefinition } from "../proto/channel.ts";
import type { PipelineSpec } from "../proto/gen/weft/v1/PipelineSpec.ts";
import { pipeline } from "./pipeline.ts";

const built = pipeline("flight-delay", { params: { horizon_days: 7 } })
  .task("features", { run: "node features.mjs", outputs: { table: "features.parquet" } })
  .task("train", {
    inputs: { table: "features.table" },
    map: { seed: [1, 2] },
    run: ["python", "train.py", "{{ map.seed }}"],
    outputs: { model: "model/", log: "log.txt" },
    resources: { cpus: 4, memory: "8GiB", gpus: 1 },
    retries: { limit: 3, backoff: "10s" },
    timeout: "2h",
  })
  .task("best", { needs: ["features"], inputs: { models: "train.model" }, run: "true" });

/** As it arrives at the server. */
function sent(spec: PipelineSpec): unknown {
  const { Submit } = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: { requestSerialize(value: object): Buffer; requestDeserialize(bytes: Buffer): { pipeline: unknown } };
  };
  return Submit.requestDeserialize(Submit.requestSerialize({ pipeline: spec })).pipeline;
}

describe("the builder", () => {
  test("says how often a checkpoint is stored, and that a task may be stopped", () => {
    const made = pipeline("p")
      .task("a", { run: "x", checkpoint: { every: "5m" }, preemptible: true })
      .task("b", { run: "x", checkpoint: true });
    const { tasks } = sent(made.toProto()) as { tasks: object[] };
    expect(tasks).toMatchObject([
      { checkpoint: true, checkpointEveryMs: 300_000, preemptible: true },
      { checkpoint: true, checkpointEveryMs: 0, preemptible: false },
    ]);
  });

  test("yields the message of the pipeline, tasks in their order", () => {
    const message = sent(built.toProto()) as { tasks: { name: string; timeoutMs: number }[] };
    expect(message.tasks.map(({ name }) => name)).toEqual(["features", "train", "best"]);
    expect(message.tasks[1]!.timeoutMs).toBe(7_200_000);
  });

  test("leaves a builder as it was when a task is added to it", () => {
    const first = pipeline("p").task("a", { run: "true" });
    first.task("b", { run: "true" });
    expect(first.toProto().tasks).toHaveLength(1);
  });

  test("lets only earlier tasks and their outputs be named", () => {
    const first = pipeline("p").task("a", { run: "true", outputs: { out: "x" } });
    first.task("b", { run: "true", inputs: { x: "a.out" }, needs: ["a"] });
    // @ts-expect-error a has no output "oot"
    first.task("b", { run: "true", inputs: { x: "a.oot" } });
    // @ts-expect-error there is no task "c"
    first.task("b", { run: "true", needs: ["c"] });
    // @ts-expect-error "a" is taken
    first.task("a", { run: "true" });
    // @ts-expect-error a duration has a unit
    expect(() => first.task("b", { run: "true", timeout: "10" })).toThrow("has no unit");
    expect(first.toProto().tasks).toHaveLength(1);
  });

  test("takes data sets and URIs as inputs, as weft.yaml does", () => {
    const digest = `sha256:${"0".repeat(64)}` as const;
    const made = pipeline("p", { params: { v: "3" } })
      .task("a", { run: "true", outputs: { out: "x" } })
      .task("b", {
        run: "true",
        inputs: {
          of: "a.out",
          flights: "dataset:flights@{{ params.v }}",
          airports: "https://host/airports.csv",
          weights: { uri: "s3://bucket/huge.bin", digest, keep: false },
        },
      });
    const { tasks } = sent(made.toProto()) as { tasks: { inputs: object }[] };
    const none = { task: "", output: "", from: "", digest: "", discard: false };
    expect(tasks[1]!.inputs).toEqual({
      of: { ...none, task: "a", output: "out" },
      flights: { ...none, from: "dataset:flights@{{ params.v }}" },
      airports: { ...none, from: "https://host/airports.csv" },
      weights: { ...none, from: "s3://bucket/huge.bin", digest, discard: true },
    });
    // @ts-expect-error no such scheme is read
    made.task("c", { run: "true", inputs: { x: "ftp://host/x" } });
  });

  test("takes tasks whose names are only known when it runs", () => {
    let many = pipeline("p").task("t0" as string, { run: "true" });
    for (let i = 1; i < 2000; i += 1) many = many.task(`t${i}` as string, { run: "true", needs: [`t${i - 1}`] });
    expect(many.toProto().tasks).toHaveLength(2000);
  });

  test("refuses no CPUs and times of 0, which would mean the default", () => {
    expect(() => pipeline("p").task("a", { run: "true", resources: { cpus: 0 } })).toThrow("0 CPUs are asked for");
    expect(() => pipeline("p").task("a", { run: "true", timeout: "0s" })).toThrow("a time above 0 would be right");
  });
});
