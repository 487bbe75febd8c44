import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, submit, weft, weftJson } from "../support/command.ts";
import { type Cluster, startCluster } from "../support/parts.ts";
import { until } from "../support/wait.ts";

/** Written by tensorboardX 2.6.5. */
const RECORDED = fileURLToPath(new URL("../fixtures/tensorboard/", import.meta.url));
const MAIN_FILE = "events.out.tfevents.1795532652.node";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 120_000);
afterAll(() => cluster?.stop(), 120_000);

/** Half of a file; then, once its run shows that, the rest in one go with its end. */
const TRAIN = `
import { appendFileSync, cpSync, mkdirSync, readFileSync, existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
const { WEFT_TENSORBOARD: folder, MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: run } = process.env;
mkdirSync(folder, { recursive: true });
const bytes = readFileSync("recorded/${MAIN_FILE}");
appendFileSync(folder + "/${MAIN_FILE}", bytes.subarray(0, 200));
for (;;) {
  const response = await fetch(url + "/api/2.0/mlflow/runs/get?run_id=" + run);
  const body = response.ok ? await response.json() : {};
  if (body.run?.data?.metrics?.some(({ key }) => key === "loss")) break;
  await delay(100);
}
console.log("seen while it runs");
appendFileSync(folder + "/${MAIN_FILE}", bytes.subarray(200));
cpSync("recorded/g", folder + "/g", { recursive: true });
`;

test(
  "what a task writes for TensorBoard is in its run while it runs, all of it at its end, and comes out as one file",
  { timeout: 120_000 },
  async () => {
    const { bare, server } = cluster;
    const folder = join(bare.folder, "pipeline");
    mkdirSync(folder);
    cpSync(RECORDED, join(folder, "recorded"), { recursive: true });
    writeFileSync(join(folder, "train.mjs"), TRAIN);
    writeFileSync(join(folder, "weft.yaml"), "pipeline: board\ntasks:\n  train:\n    run: node train.mjs\n");
    const job = await submit(server.grpc, folder);
    const ended = await until(
      async () => {
        const { state } = await weftJson<JobJson>(server.grpc, ["job", job]);
        return ["succeeded", "failed"].includes(state) ? state : undefined;
      },
      "the job to end",
      90_000,
    );
    expect([ended, String((await weft(server.grpc, ["logs", job])).stdout)]).toEqual([
      "succeeded",
      expect.stringContaining("seen while it runs"),
    ]);
    const run = `${job}-train-0-1`;
    const response = await fetch(`http://${server.http}/api/2.0/mlflow/runs/get?run_id=${run}`);
    const { metrics } = ((await response.json()) as { run: { data: { metrics: { key: string; step: number }[] } } }).run
      .data;
    expect(Object.fromEntries(metrics.map(({ key, step }) => [key, step]))).toEqual({
      loss: 2,
      "train/acc": 2,
      "g/a": 5,
      "g/b": 5,
    });
    const [exported] = await weftJson<{ run: string; path: string }[]>(server.grpc, [
      "tensorboard",
      run,
      "-o",
      join(bare.folder, "exported"),
    ]);
    expect(exported!.run).toBe(run);
  },
);
