import { expect, test } from "vitest";
import { fromProto } from "../../lib/core/pipeline/canonical.ts";
import { readPipeline } from "../../lib/core/pipeline/yaml.ts";
import { packageDefinition } from "../../proto/channel.ts";
import type { PipelineSpec__Output } from "../../proto/gen/weft/v1/PipelineSpec.ts";
import { pipeline } from "../../sdk/index.ts";

const YAML = `
pipeline: flight-delay
params: { horizon_days: 7, region: null }
on: { schedule: { cron: "0 3 * * *", timezone: Europe/Berlin }, webhook: github }
notify: { on: failed, email: ops@example.org }
tasks:
  features:
    run: node features.mjs
    outputs: { table: features.parquet }
    files: ["*.mjs"]
    environment: { node: package-lock.json }
  train:
    needs: [features]
    inputs: { table: features.table }
    map: { seed: [1, 2, 3], kind: [linear, "it's"] }
    run: [python, train.py, "{{ map.seed }}"]
    outputs: { model: model/ }
    resources: { cpus: 0.5, memory: 8GiB, disk: 10GB, gpus: 1 }
    retries: { limit: 3, backoff: 10s, maxBackoff: 1m, exitCodes: [75] }
    timeout: 2h
    stopGrace: 30s
    env: { LEVEL: "{{ params.horizon_days }}" }
  best:
    inputs: { models: train.model }
    run: cat {{ inputs.models }}/*/model/x
`;

const built = pipeline("flight-delay", {
  params: { region: null, horizon_days: 7 },
  triggers: [
    { name: "schedule", schedule: { cron: "0 3 * * *", timezone: "Europe/Berlin" } },
    { name: "webhook", webhook: { signature: "github" } },
  ],
  notify: [{ on: ["failed"], email: { to: ["ops@example.org"] } }],
})
  .task("features", {
    run: "node features.mjs",
    outputs: { table: "features.parquet" },
    files: ["*.mjs"],
    environment: { node: "package-lock.json" },
  })
  .task("train", {
    inputs: { table: "features.table" },
    map: { seed: [1, 2, 3], kind: ["linear", "it's"] },
    run: ["python", "train.py", "{{ map.seed }}"],
    outputs: { model: "model/" },
    resources: { cpus: 0.5, memory: "8GiB", disk: "10GB", gpus: 1 },
    retries: { limit: 3, backoff: "10s", maxBackoff: "1m", exitCodes: [75] },
    timeout: "2h",
    stopGrace: "30s",
    env: { LEVEL: "{{ params.horizon_days }}" },
  })
  .task("best", { inputs: { models: "train.model" }, run: "cat {{ inputs.models }}/*/model/x" });

test("the builder and weft.yaml make the same pipeline of the same words", () => {
  const { Submit } = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: {
      requestSerialize(value: object): Buffer;
      requestDeserialize(bytes: Buffer): { pipeline: PipelineSpec__Output };
    };
  };
  const arrived = Submit.requestDeserialize(Submit.requestSerialize({ pipeline: built.toProto() })).pipeline;
  const read = readPipeline(YAML, "weft.yaml");
  expect(read.ok).toBe(true);
  expect(fromProto(arrived)).toEqual({ ok: true, spec: read.ok && read.spec });
});
