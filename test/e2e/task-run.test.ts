import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, submit, weftJson } from "../support/command.ts";
import { type Cluster, startCluster } from "../support/parts.ts";
import { until } from "../support/wait.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 120_000);
afterAll(() => cluster?.stop(), 120_000);

/** Speaks to the server as MLflow's clients do, with nothing but what its environment says. */
const CLIENT = `
const { MLFLOW_TRACKING_URI: url, MLFLOW_RUN_ID: run, MLFLOW_EXPERIMENT_ID: experiment, MLFLOW_TRACKING_TOKEN: token } = process.env;
const send = async (path, body, headers) => {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer " + token, ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(path + ": " + (await response.text()));
};
`;

/** A trace is all that it sends. */
const TRACES = `${CLIENT}
const span = { traceId: "0".repeat(31) + "7", spanId: "0".repeat(15) + "7", name: "step", startTimeUnixNano: "1", endTimeUnixNano: "2" };
await send("/v1/traces", { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }, {
  "x-mlflow-experiment-id": experiment,
  "x-mlflow-run-id": run,
});
`;

/** MLflow's client ends its run as FINISHED at the end of a script that fails. */
const FAILS = `${CLIENT}
await send("/api/2.0/mlflow/runs/log-metric", { run_id: run, key: "loss", value: 0.5, timestamp: 1 });
await send("/api/2.0/mlflow/runs/update", { run_id: run, status: "FINISHED", end_time: 2 });
process.exitCode = 3;
`;

const PIPELINE = `
pipeline: tracked
tasks:
  traces: { run: node traces.mjs }
  fails: { run: node fails.mjs }
  says-nothing: { run: "true" }
`;

interface Run {
  readonly info: { readonly status: string; readonly run_name: string; readonly end_time?: number };
  readonly data: {
    readonly metrics?: readonly { readonly key: string; readonly value: number }[];
    readonly tags: readonly { readonly key: string; readonly value: string }[];
  };
}

async function runOf(id: string): Promise<Run | undefined> {
  const response = await fetch(`http://${cluster.server.http}/api/2.0/mlflow/runs/get?run_id=${id}`);
  return response.ok ? ((await response.json()) as { run: Run }).run : undefined;
}

/** As it is when its task has ended. */
function endedRun(id: string): Promise<Run> {
  return until(
    async () => {
      const run = await runOf(id);
      return run?.data.tags.some(({ key }) => key === "weft.state") ? run : undefined;
    },
    `run ${id} to end with its task`,
    30_000,
  );
}

const tag = ({ data }: Run, name: string): string | undefined => data.tags.find(({ key }) => key === name)?.value;

async function call(path: string, body: object): Promise<Record<string, any>> {
  const response = await fetch(`http://${cluster.server.http}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Record<string, any>;
}

test(
  "a task's run is made when it is first asked for, and ends as its attempt does",
  { timeout: 120_000 },
  async () => {
    const folder = join(cluster.bare.folder, "pipeline");
    mkdirSync(folder);
    writeFileSync(join(folder, "traces.mjs"), TRACES);
    writeFileSync(join(folder, "fails.mjs"), FAILS);
    writeFileSync(join(folder, "weft.yaml"), PIPELINE);
    const job = await submit(cluster.server.grpc, folder);
    const tasks = await until(
      async () => {
        const { tasks: found } = await weftJson<JobJson>(cluster.server.grpc, ["job", job]);
        return found.every(({ state }) => ["succeeded", "failed"].includes(state)) ? found : undefined;
      },
      "the tasks to end",
      60_000,
    );
    expect(Object.fromEntries(tasks.map(({ name, exitCode }) => [name, exitCode]))).toEqual({
      traces: 0,
      fails: 3,
      "says-nothing": 0,
    });

    const [traces, fails] = await Promise.all([endedRun(`${job}-traces-0-1`), endedRun(`${job}-fails-0-1`)]);
    expect([traces.info.status, traces.info.run_name, tag(traces, "weft.exitCode")]).toEqual([
      "FINISHED",
      "traces",
      "0",
    ]);
    expect([fails.info.status, tag(fails, "weft.state"), tag(fails, "weft.exitCode")]).toEqual([
      "FAILED",
      "failed",
      "3",
    ]);
    expect(fails.data.metrics).toEqual([expect.objectContaining({ key: "loss", value: 0.5 })]);

    const { experiments } = await call("/api/2.0/mlflow/experiments/search", { max_results: 10 });
    const pipeline = experiments.find(({ name }: { name: string }) => name === "tracked").experiment_id;
    const locations = [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: pipeline } }];
    const linked = await call("/api/3.0/mlflow/traces/search", { locations, filter: `run_id = '${job}-traces-0-1'` });
    expect(linked["traces"]).toMatchObject([{ tags: { "mlflow.traceName": "step" } }]);

    const names = async (): Promise<string[]> =>
      ((await call("/api/2.0/mlflow/runs/search", { experiment_ids: [pipeline] }))["runs"] as Run[])
        .map(({ info }) => info.run_name)
        .sort();
    expect(await names()).toEqual(["fails", "traces"]);
    expect((await fetch(`http://${cluster.server.http}/v1/runs/${job}-says-nothing-0-1/events`)).status).toBe(200);
    expect((await endedRun(`${job}-says-nothing-0-1`)).info.status).toBe("FINISHED");
    expect(await names()).toEqual(["fails", "says-nothing", "traces"]);
    expect(await runOf(`${job}-says-nothing-0-2`)).toBeUndefined();
  },
);
