import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { startUp, type UpCluster, weft } from "../support/up.ts";

/** Fetching the environment's packages (some 110 MB), and learning on a machine that other tests keep busy. */
const JOB_LIMIT_MS = 300_000;
const EXAMPLE = join(import.meta.dirname, "../../examples/flight-delay");
const NOT_SUBMITTED = ["node_modules", "out"].map((name) => join(EXAMPLE, name));

interface Output {
  readonly name: string;
  readonly digest: string;
}
interface Job {
  readonly id: string;
  readonly state: string;
  readonly code: { readonly digest: string };
  readonly tasks: readonly {
    readonly name: string;
    readonly index: number;
    readonly state: string;
    readonly outputs: readonly Output[];
  }[];
}
interface Execution {
  readonly id: string;
  readonly task: string;
  readonly code: { readonly digest: string } | null;
  readonly environmentDigest: string | null;
}
interface Lineage {
  readonly executions: readonly Execution[];
  readonly edges: readonly {
    readonly execution: string;
    readonly digest: string;
    readonly direction: "input" | "output";
  }[];
}
interface Score {
  readonly rmse: number;
  readonly mae: number;
  readonly r2: number;
}
interface Metrics {
  readonly test: Score;
  readonly baselines: Readonly<Record<"mean" | "median" | "zero", Score>>;
  readonly features: readonly string[];
  readonly onnx: { readonly input: string; readonly output: string };
}
/** As much of onnxruntime-node as is used here; it is a package of the example, not of ours. */
interface OnnxRuntime {
  readonly InferenceSession: {
    create(path: string): Promise<{ run(feeds: object): Promise<Record<string, { data: Float32Array }>> }>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => unknown;
}

let cluster: UpCluster;
let folder: string;
let first: Job;
let second: Job;

async function json<T>(...args: string[]): Promise<T> {
  const { exitCode, stdout, stderr } = await weft(cluster, [...args, "--json"]);
  expect(exitCode, `weft ${args.join(" ")}: ${stdout}${stderr}`).toBe(0);
  return JSON.parse(stdout) as T;
}

async function fetchOutput(job: Job, task: string, output: string, file: string): Promise<string> {
  const path = join(folder, file);
  const { exitCode, stderr } = await weft(cluster, ["get", job.id, task, output, "-o", path]);
  expect(exitCode, stderr).toBe(0);
  return path;
}

const outputsOf = (job: Job): Record<string, string> =>
  Object.fromEntries(
    job.tasks.flatMap(({ name, index, outputs }) =>
      outputs.map((output) => [`${name}[${index}].${output.name}`, output.digest] as const),
    ),
  );

/** The runtime out of the environment that the agent built for the example. */
function onnxRuntime(): OnnxRuntime {
  const environments = join(cluster.home, "agent/cache/environments");
  const [digest] = readdirSync(environments).filter((name) => existsSync(join(environments, name, "node_modules")));
  return createRequire(join(environments, digest!, "package.json"))("onnxruntime-node") as OnnxRuntime;
}

beforeAll(async () => {
  cluster = await startUp();
  folder = join(inject("folder"), "flight-delay");
  mkdirSync(folder);
  // A copy outside of any work tree: what is submitted must not depend on what this one happens to hold.
  const copy = join(folder, "example");
  cpSync(EXAMPLE, copy, { recursive: true, filter: (path) => !NOT_SUBMITTED.includes(path) });
  first = await json<Job>("submit", join(copy, "weft.yaml"), "--follow");
  second = await json<Job>("submit", copy, "--follow");
}, 2 * JOB_LIMIT_MS);

afterAll(() => cluster?.stop());

test("the example runs to its end, every instance of every task", () => {
  for (const job of [first, second]) {
    expect(job.state).toBe("succeeded");
    expect(job.tasks.map(({ name, index, state }) => `${name}[${index}] ${state}`).toSorted()).toEqual(
      [
        ...["best", "evaluate", "extract", "features"].map((name) => `${name}[0] succeeded`),
        ...Array.from({ length: 9 }, (_, index) => `train[${index}] succeeded`),
        "validate[0] succeeded",
      ].toSorted(),
    );
  }
});

test("what it learns is better than predicting the mean on weeks it has not seen", async () => {
  const metrics = JSON.parse(
    readFileSync(await fetchOutput(first, "best", "metrics", "metrics.json"), "utf8"),
  ) as Metrics;
  expect(metrics.test.rmse).toBeLessThan(metrics.baselines.mean.rmse * 0.98);
  expect(metrics.test.mae).toBeLessThan(metrics.baselines.mean.mae * 0.98);
  expect(metrics.test.r2).toBeGreaterThan(0.03);
  expect(metrics.test.rmse).toBeLessThan(metrics.baselines.zero.rmse);
});

test("its ONNX file loads and predicts, one number a flight", async () => {
  const metrics = JSON.parse(readFileSync(await fetchOutput(first, "best", "metrics", "m.json"), "utf8")) as Metrics;
  const ort = onnxRuntime();
  const session = await ort.InferenceSession.create(await fetchOutput(first, "best", "onnx", "model.onnx"));
  const flights = 3;
  const width = metrics.features.length;
  const input = new ort.Tensor("float32", new Float32Array(flights * width), [flights, width]);
  const predicted = [...(await session.run({ [metrics.onnx.input]: input }))[metrics.onnx.output]!.data];
  expect(predicted).toHaveLength(flights);
  expect(predicted.every(Number.isFinite)).toBe(true);
});

test("the model's lineage reaches the extract task, and each step names the code it ran", async () => {
  const { executions, edges } = await json<Lineage>("lineage", first.id);
  const model = first.tasks.find(({ name }) => name === "best")!.outputs.find(({ name }) => name === "onnx")!;
  const reached = new Set<string>();
  const wanted = [model.digest];
  for (let digest = wanted.pop(); digest !== undefined; digest = wanted.pop()) {
    for (const { execution } of edges.filter((edge) => edge.direction === "output" && edge.digest === digest)) {
      if (reached.has(execution)) continue;
      reached.add(execution);
      wanted.push(
        ...edges
          .filter((edge) => edge.direction === "input" && edge.execution === execution)
          .map((edge) => edge.digest),
      );
    }
  }
  const steps = executions.filter(({ id }) => reached.has(id));
  // validate guards the data and gives none of it on.
  expect([...new Set(steps.map(({ task }) => task))].toSorted()).toEqual([
    "best",
    "evaluate",
    "extract",
    "features",
    "train",
  ]);
  expect(first.code.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(new Set(steps.map(({ code }) => code?.digest))).toEqual(new Set([first.code.digest]));
  expect(new Set(steps.map(({ environmentDigest }) => environmentDigest)).size).toBe(1);
});

test("two runs of the same pins give the same bytes", () => {
  expect(second.id).not.toBe(first.id);
  expect(second.code.digest).toBe(first.code.digest);
  expect(outputsOf(second)).toEqual(outputsOf(first));
  expect(Object.keys(outputsOf(first))).toHaveLength(15);
});

test("what a task prints can be read back", async () => {
  const { stdout } = await weft(cluster, ["logs", first.id, "best"]);
  expect(stdout).toContain("best of 9 on the validation weeks");
});

/** Whether pip, as it is set up here, gets the smallest of the packages that the variant in Python needs. */
function packagesAnswer(): Promise<boolean> {
  const args = ["-m", "pip", "download", "-q", "--no-deps", "-d", join(folder, "pip"), "threadpoolctl==3.8.0"];
  return new Promise((resolve) => execFile("python3", args, (error) => resolve(error === null)));
}

test(
  "its variant in Python learns with scikit-learn, and its ONNX file predicts in Node too",
  { timeout: JOB_LIMIT_MS },
  async (context) => {
    if (!(await packagesAnswer()))
      return context.skip("there is no python3 with pip here, or no index that answers it");
    const job = await json<Job>("submit", join(folder, "example/python.yaml"), "--follow");
    expect(job.tasks.filter(({ state }) => state !== "succeeded")).toEqual([]);
    const metrics = JSON.parse(
      readFileSync(await fetchOutput(job, "best", "metrics", "python.json"), "utf8"),
    ) as Metrics & { readonly input: string };
    expect(metrics.test.rmse).toBeLessThan(metrics.baselines.mean.rmse * 0.99);

    const ort = onnxRuntime();
    const session = await ort.InferenceSession.create(await fetchOutput(job, "best", "onnx", "python.onnx"));
    const width = metrics.features.length;
    const output = await session.run({
      [metrics.input]: new ort.Tensor("float32", new Float32Array(width), [1, width]),
    });
    expect(Object.values(output).map(({ data }) => [data.length, Number.isFinite(data[0])])).toEqual([[1, true]]);

    // One environment for all tasks in Python, another one for those in Node.
    const { executions } = await json<Lineage>("lineage", job.id);
    const used = (names: string[]) =>
      new Set(executions.filter(({ task }) => names.includes(task)).map(({ environmentDigest }) => environmentDigest));
    const [inPython, inNode] = [used(["train", "best"]), used(["extract", "validate", "features"])];
    expect([inPython.size, inNode.size, new Set([...inPython, ...inNode]).size]).toEqual([1, 1, 2]);
  },
);
