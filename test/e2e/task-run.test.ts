import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, submit, weft, weftJson } from "../support/command.ts";
import { type Cluster, killMachine, startCluster } from "../support/parts.ts";
import { until } from "../support/wait.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    server: ["--lease-ms", "6000", "--heartbeat-ms", "1000"],
    agent: ["--system-metrics", "5s"],
  });
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
  return response.json();
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

/** Two trials, of which one is left open, and an end that nobody asked for. */
const TRIALS = `${CLIENT}
const trial = async (name) => (await send("/api/2.0/mlflow/runs/create", { experiment_id: experiment, run_name: name,
  tags: [{ key: "mlflow.parentRunId", value: run }] })).run.info.run_id;
await send("/api/2.0/mlflow/runs/log-metric", { run_id: run, key: "trials", value: 2, timestamp: 1 });
await send("/api/2.0/mlflow/runs/update", { run_id: await trial("good"), status: "FINISHED", end_time: 3 });
await trial("open");
process.kill(process.pid, "SIGKILL");
`;

/** Logs one metric, and then works. */
const WORKS = `${CLIENT}
await send("/api/2.0/mlflow/runs/log-metric", { run_id: run, key: "loss", value: 0.25, timestamp: 1 });
for (;;) await new Promise((resolve) => setTimeout(resolve, 100));
`;

const PIPELINE = `
pipeline: tracked
tasks:
  traces: { run: node traces.mjs }
  fails: { run: node fails.mjs }
  says-nothing: { run: "true" }
  trials: { run: exec node trials.mjs }
`;

const WORK = `
pipeline: work
tasks:
  data: { run: "echo 1 > out.csv", outputs: { table: out.csv } }
  train:
    inputs: { table: data.table }
    run: node works.mjs
`;

interface Run {
  readonly info: {
    readonly run_id: string;
    readonly status: string;
    readonly run_name: string;
    readonly end_time?: number;
  };
  readonly inputs: { readonly dataset_inputs?: readonly unknown[] };
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
    writeFileSync(join(folder, "trials.mjs"), TRIALS);
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
      trials: null,
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
    expect(fails.data.metrics).toContainEqual(expect.objectContaining({ key: "loss", value: 0.5 }));

    const { experiments } = await call("/api/2.0/mlflow/experiments/search", { max_results: 10 });
    const pipeline = experiments.find(({ name }: { name: string }) => name === "tracked").experiment_id;
    const locations = [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: pipeline } }];
    const linked = await call("/api/3.0/mlflow/traces/search", { locations, filter: `run_id = '${job}-traces-0-1'` });
    expect(linked["traces"]).toMatchObject([{ tags: { "mlflow.traceName": "step" } }]);

    const names = async (): Promise<string[]> =>
      ((await call("/api/2.0/mlflow/runs/search", { experiment_ids: [pipeline] }))["runs"] as Run[])
        .map(({ info }) => info.run_name)
        .sort();
    const trials = await endedRun(`${job}-trials-0-1`);
    expect([trials.info.status, tag(trials, "weft.reason")]).toEqual(["FAILED", "signal"]);
    const made = (await call("/api/2.0/mlflow/runs/search", {
      experiment_ids: [pipeline],
      filter: `tags.mlflow.parentRunId = '${job}-trials-0-1'`,
    })) as { runs: Run[] };
    const facts = (run: Run) => [run.info.status, tag(run, "weft.task"), tag(run, "weft.reason")];
    expect(Object.fromEntries(made.runs.map((run) => [run.info.run_name, facts(run)]))).toEqual({
      good: ["FINISHED", "trials", undefined],
      open: ["FAILED", "trials", "signal"],
    });
    expect(await names()).toEqual(["fails", "good", "open", "traces", "trials"]);
    expect((await fetch(`http://${cluster.server.http}/v1/runs/${job}-says-nothing-0-1/events`)).status).toBe(200);
    expect((await endedRun(`${job}-says-nothing-0-1`)).info.status).toBe("FINISHED");
    expect(await names()).toEqual(["fails", "good", "open", "says-nothing", "traces", "trials"]);
    expect(await runOf(`${job}-says-nothing-0-2`)).toBeUndefined();
  },
);

/** A repository with one commit, whose work tree has gone on. */
function makeRepository(folder: string): string {
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@t", ...args], {
      cwd: folder,
      encoding: "utf8",
    }).trim();
  mkdirSync(folder);
  writeFileSync(join(folder, "weft.yaml"), WORK);
  writeFileSync(join(folder, "works.mjs"), "committed\n");
  git("init", "-q", "-b", "trying");
  git("remote", "add", "origin", "https://me:secret@git.example/team/work.git");
  git("add", ".");
  git("commit", "-qm", "first");
  writeFileSync(join(folder, "works.mjs"), WORKS);
  writeFileSync(join(folder, "extra.py"), "");
  return git("rev-parse", "HEAD");
}

async function running(job: string): Promise<Run> {
  return until(
    async () => {
      const run = await runOf(`${job}-train-0-1`);
      return run?.data.metrics?.some(({ key }) => key === "loss") ? run : undefined;
    },
    "the training to log",
    60_000,
  );
}

test(
  "a task's run says where its code, data and figures come from without a line of code, and ends when the task is cancelled",
  { timeout: 120_000 },
  async () => {
    const folder = join(cluster.bare.folder, "work");
    const commit = makeRepository(folder);
    const { grpc, http } = cluster.server;
    const job = await submit(grpc, folder);
    const run = await running(job);
    expect(Object.fromEntries(run.data.tags.map(({ key, value }) => [key, value]))).toMatchObject({
      "mlflow.source.name": "work/train",
      "mlflow.source.git.commit": commit,
      "mlflow.source.git.branch": "trying",
      "mlflow.source.git.repoURL": "https://git.example/team/work.git",
      "weft.dirty": "true",
      "weft.attempt": "1",
    });
    const diff = await (
      await fetch(`http://${http}/get-artifact?run_id=${run.info.run_id}&path=uncommitted.diff`)
    ).text();
    expect(diff).toContain("#   extra.py\n");
    expect(diff).toContain("diff --git a/works.mjs b/works.mjs\n");
    expect(diff).toContain("-committed\n");
    expect((await weft(grpc, ["job", job])).stdout.toString()).toContain(
      `${commit.slice(0, 12)} with changes, branch trying of https://git.example/team/work.git, changes sha256:`,
    );
    const measured = await until(
      async () => {
        const found = await runOf(run.info.run_id);
        return found?.data.metrics?.some(({ key }) => key.startsWith("system/")) ? found : undefined;
      },
      "what the task uses to be measured",
      30_000,
    );
    const memory = measured.data.metrics?.find(({ key }) => key === "system/system_memory_usage_megabytes");
    expect(memory?.value).toBeGreaterThan(1);
    expect(tag(measured, "weft.node.cpus")).toBe("4");

    expect((await weft(grpc, ["cancel", job])).exitCode).toBe(0);
    const killed = await endedRun(run.info.run_id);
    expect([killed.info.status, tag(killed, "weft.state")]).toEqual(["KILLED", "cancelled"]);
    const produced = await endedRun(`${job}-data-0-1`);
    const table = tag(produced, "weft.output.table");
    expect(killed.inputs.dataset_inputs).toEqual([
      {
        tags: [{ key: "mlflow.data.context", value: "input" }],
        dataset: {
          name: "table",
          digest: table,
          source_type: "weft",
          source: JSON.stringify({ digest: table, kind: "file", bytes: 2, producer: `${job}.data.0.1` }),
        },
      },
    ]);
  },
);

test(
  "what a task had logged when its machine was lost is there once, and its run says why it ended",
  { timeout: 120_000 },
  async () => {
    const job = await submit(cluster.server.grpc, join(cluster.bare.folder, "work"));
    await running(job);
    await killMachine(cluster.agent, cluster.agentDir);
    const gone = await endedRun(`${job}-train-0-1`);
    expect([gone.info.status, tag(gone, "weft.state"), tag(gone, "weft.reason")]).toEqual([
      "FAILED",
      "lost",
      "node-lost",
    ]);
    const history = `http://${cluster.server.http}/api/2.0/mlflow/metrics/get-history?run_id=${job}-train-0-1&metric_key=loss`;
    expect(await (await fetch(history)).json()).toEqual({
      metrics: [{ key: "loss", value: 0.25, timestamp: 1, step: 0 }],
    });
  },
);
