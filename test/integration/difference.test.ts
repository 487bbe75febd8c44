import { afterAll, beforeAll, expect, test } from "vitest";
import { digestBytes } from "../../lib/digest.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { putManifest } from "../../services/artifacts/index.ts";
import type { RunComparison, RunDifference } from "../../services/tracking/index.ts";
import { insertJob, insertRun } from "../support/past.ts";
import { startRecords, type TestRecords } from "../support/records.ts";

let records: TestRecords;

beforeAll(async () => {
  records = await startRecords();
});
afterAll(() => records?.close());

async function get<T>(path: string, query: [string, string][]): Promise<T> {
  const answer = await fetch(`${records.url}/v1/runs/${path}?${new URLSearchParams(query).toString()}`);
  const body = (await answer.json()) as T & { error?: { message: string } };
  if (!answer.ok) throw new Error(`${answer.status} ${body.error?.message}`);
  return body;
}

const diff = (a: string, b: string, all = false): Promise<RunDifference> =>
  get("diff", [["a", a], ["b", b], ...(all ? [["all", "true"] satisfies [string, string]] : [])]);

/** `section of kind name: a -> b`, a line a change. */
const lines = ({ sections }: RunDifference): string[] =>
  sections.flatMap(({ name: section, changes }) =>
    changes.map(({ of, kind, name, a, b }) => `${section} ${of} ${kind} ${name}: ${a} -> ${b}`.replace("  ", " ")),
  );

/** A submitted folder of these files. */
async function code(files: Readonly<Record<string, string>>): Promise<Digest> {
  const entries = await Promise.all(
    Object.entries(files).map(async ([path, text]) => ({
      path,
      digest: await records.put(text),
      bytes: text.length,
      executable: false,
    })),
  );
  return putManifest(records.store, entries);
}

test("two jobs differ in code, data, params, packages, metrics and outputs, and in nothing else that counts", async () => {
  const environment = { kind: "python", lock: "env.lock", version: "3.11" };
  const files = { "train.py": "print(1)", "env.lock": "numpy==2.0.1\ntorch==2.5.0" };
  const [first, second] = await Promise.all([
    code(files),
    code({ ...files, "train.py": "print(2)", "new.py": "", "env.lock": "numpy==2.1.0\ntorch==2.5.0" }),
  ]);
  await records.pool.query(
    `insert into data_versions values ('iris', 1, default, $1, 'file', 1, 1, 'iris', '', '', '', '', 0),
       ('iris', 2, default, $2, 'file', 1, 1, 'iris', '', '', '', '', 0)`,
    [digestBytes("march"), digestBytes("april")],
  );
  await insertJob(records.pool, "0000000job01", {
    code: first,
    params: { lr: 0.1, seed: 3 },
    tasks: [{ name: "fit", environment, inputs: { train: "march" }, outputs: { model: "weights" }, node: "a" }],
  });
  await insertJob(records.pool, "0000000job02", {
    code: second,
    params: { lr: 0.2, seed: 3 },
    tasks: [{ name: "fit", environment, inputs: { train: "april" }, outputs: { model: "others" }, node: "b" }],
  });
  const logged = { params: { optimizer: "adam" }, tags: { team: "x", "mlflow.user": "eve" } };
  await insertRun(records.pool, "run-1", {
    ...logged,
    attempt: "0000000job01.fit.0.1",
    metrics: { loss: 0.5, "system/cpu": 3, broken: NaN },
  });
  await insertRun(records.pool, "run-2", {
    ...logged,
    attempt: "0000000job02.fit.0.1",
    metrics: { loss: 0.4, "system/cpu": 9, broken: NaN, auc: 1 },
  });

  const found = await diff("0000000job01", "0000000job02");
  expect(found).toMatchObject({
    equal: false,
    a: { asked: "0000000job01", runs: ["run-1"], attempts: ["0000000job01.fit.0.1"] },
  });
  const d = digestBytes;
  expect(lines(found)).toEqual([
    `code digest digest: ${first} -> ${second}`,
    `code file env.lock: ${d(files["env.lock"])} -> ${d("numpy==2.1.0\ntorch==2.5.0")}`,
    `code file train.py: ${d("print(1)")} -> ${d("print(2)")}`,
    `code file new.py: null -> ${d("")}`,
    `data input train: ${d("march")} -> ${d("april")}`,
    "data version train: iris@1 -> iris@2",
    "params param lr: 0.1 -> 0.2",
    `environment lock env.lock: ${d(files["env.lock"])} -> ${d("numpy==2.1.0\ntorch==2.5.0")}`,
    "environment package numpy: 2.0.1 -> 2.1.0",
    "metrics metric loss: 0.5 -> 0.4",
    "metrics metric auc: null -> 1",
    `outputs output model: ${d("weights")} -> ${d("others")}`,
    "execution attempt attempt: 0000000job01.fit.0.1 -> 0000000job02.fit.0.1",
    "execution node node: a -> b",
    "execution metric system/cpu: 3 -> 9",
    "execution run run: run-1 -> run-2",
  ]);
  const loss = found.sections.find(({ name }) => name === "metrics")!.changes[0]!;
  expect([loss.difference, loss.relative]).toEqual([expect.closeTo(-0.1), expect.closeTo(-0.2)]);

  const itself = await diff("0000000job01", "run-1", true);
  expect(itself).toMatchObject({ equal: true });
  expect(lines(itself)).toEqual(
    expect.arrayContaining(["environment package torch: 2.5.0 -> 2.5.0", "metrics metric broken: NaN -> NaN"]),
  );
});

test("jobs of several tasks are compared instance by instance, and a task that only one has is told", async () => {
  const task = (name: string, index: number, output: string) => ({ name, index, outputs: { out: output } });
  await insertJob(records.pool, "0000000job03", {
    tasks: [task("fit", 0, "x"), task("fit", 1, "y"), task("old", 0, "z")],
  });
  await insertJob(records.pool, "0000000job04", { tasks: [task("fit", 0, "x"), task("fit", 1, "Y")] });
  const counted = lines(await diff("0000000job03", "0000000job04")).filter((line) => !line.startsWith("execution"));
  expect(counted).toEqual([
    `code old command command: run -> null`,
    "environment old kind kind: none -> null",
    `outputs fit[1] output out: ${digestBytes("y")} -> ${digestBytes("Y")}`,
    `outputs old output out: ${digestBytes("z")} -> null`,
    "outputs old state state: succeeded -> null",
    "outputs old exitCode exitCode: 0 -> null",
  ]);
  expect(await diff("0000000job03.fit[0]", "0000000job04.fit.0.1")).toMatchObject({ equal: true });
  // The environment of a task is that of its instances.
  const all = lines(await diff("0000000job04", "0000000job04", true));
  expect(all.filter((line) => line.startsWith("environment"))).toEqual(["environment fit kind kind: none -> none"]);
});

test("runs are found by name and by shortened job; what is not, or not one, is refused with what would be right", async () => {
  await insertJob(records.pool, "1000000job05", { tasks: [{ name: "fit" }] });
  await insertRun(records.pool, "owl-1", { name: "owl", metrics: { loss: 1 } });
  await insertRun(records.pool, "owl-2", { name: "owl", metrics: { loss: 1 } });
  await insertRun(records.pool, "fox-1", { name: "fox", metrics: { loss: 1 } });
  expect((await diff("fox", "owl-1")).equal).toBe(true);
  expect((await diff("1.fit", "1000000job05")).equal).toBe(true);
  // The run of a task that tracked nothing does not exist; its attempt does.
  expect((await diff("1000000job05-fit-0-1", "1000000job05")).equal).toBe(true);
  await expect(diff("owl", "fox")).rejects.toThrow(/400 several runs are named "owl".*owl-1, owl-2/);
  await expect(diff("cat", "fox")).rejects.toThrow(/404 nothing that has ended is called "cat"/);
  await expect(diff("", "fox")).rejects.toThrow(/400/);
});

test("fifty runs are compared by parameters and metrics in their order; one more is refused", async () => {
  const ids = Array.from({ length: 50 }, (_, i) => `many-${i}`);
  for (const [i, id] of ids.entries())
    await insertRun(records.pool, id, { name: id, params: { lr: String(i % 2), opt: "adam" }, metrics: { loss: i } });
  const compared = await get<RunComparison>(
    "compare",
    ids.map((id) => ["run", id] satisfies [string, string]),
  );
  expect(compared.runs.map(({ runs }) => runs)).toEqual(ids.map((id) => [id]));
  expect(compared.rows.map(({ section, name, equal }) => `${section} ${name} ${equal}`)).toEqual([
    "params lr false",
    "params opt true",
    "metrics loss false",
  ]);
  expect(compared.rows[2]!.values).toEqual(ids.map((_, i) => i));
  const one = await get<RunComparison>("compare", [["run", "many-1"]]);
  expect(one.runs).toHaveLength(1);
  await expect(
    get(
      "compare",
      [...ids, "many-0"].map((id) => ["run", id] satisfies [string, string]),
    ),
  ).rejects.toThrow(/400.*50/);
});
