import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Every path that MLflow's clients of 2.22 and 3.17 know, and whether it is served here: `served|refused METHOD PATH`. */
const ROUTES = linesOf("routes.txt")
  .map((line) => line.split(/\s+/) as [string, string, string])
  .map(([said, method, path]) => ({ served: said === "served", method, path }));

function linesOf(file: string): string[] {
  return readFileSync(join(import.meta.dirname, "..", "fixtures", "mlflow", file), "utf8")
    .trim()
    .split("\n");
}

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;
/** Ids of what is there, by the name that requests give them. */
let known: Readonly<Record<string, string>>;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  known = await makeSomething();
});
afterAll(async () => {
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly code: string | undefined;
}

async function call(method: string, path: string, body?: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}${path}`, {
    method,
    ...(body === undefined ? {} : { body, headers: { "content-type": "application/json" } }),
  });
  const text = await response.text();
  return { status: response.status, body: text, code: codeOf(text) };
}

function codeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error_code?: string }).error_code;
  } catch {
    return undefined;
  }
}

async function made(path: string, body: object): Promise<any> {
  const { status, body: text } = await call("POST", path, JSON.stringify(body));
  expect([path, status, text]).toEqual([path, 200, text]);
  return JSON.parse(text);
}

async function makeSomething(): Promise<Record<string, string>> {
  const [two, three] = ["/api/2.0/mlflow", "/api/3.0/mlflow"];
  const { run } = await made(`${two}/runs/create`, { experiment_id: "0" });
  const { model } = await made(`${two}/logged-models`, { experiment_id: "0", name: "m" });
  await made(`${two}/registered-models/create`, { name: "fraud" });
  await made(`${two}/model-versions/create`, { name: "fraud", source: "runs:/some_run/model" });
  const { dataset } = await made(`${three}/datasets/create`, { name: "golden", experiment_ids: ["0"] });
  await made(`${three}/datasets/${dataset.dataset_id}/records`, { records: '[{"inputs": {"q": 1}}]' });
  await made(`${three}/scorers/register`, { experiment_id: "0", name: "exact", serialized_scorer: "{}" });
  const { trace } = await made(`${three}/traces`, {
    trace: {
      trace_info: {
        trace_id: "tr-0",
        trace_location: { mlflow_experiment: { experiment_id: "0" } },
        request_time: "2026-01-31T12:00:00.000Z",
      },
    },
  });
  return {
    experiment_id: "0",
    run_id: run.info.run_id,
    model_id: model.info.model_id,
    dataset_id: dataset.dataset_id,
    trace_id: trace.trace_info.trace_id,
    name: "fraud",
    version: "1",
  };
}

/** With ids of what is there in its path. */
function filled(path: string): string {
  return path.replaceAll(/:(\w+)/g, (_, name: string) => known[name] ?? "none").replace("*", "folder/file.txt");
}

test("what is not served says so in MLflow's own form, whatever else is asked for", async () => {
  const others = ["/graphql", "/api/2.0/mlflow/nothing", "/api/3.0/nothing", "/ajax-api/2.0/nothing/at/all"];
  const asked = [
    ...ROUTES.filter(({ served }) => !served),
    ...others.map((path) => ({ method: "GET", path })),
    { method: "DELETE", path: "/api/2.0/mlflow/runs/create" },
  ];
  for (const { method, path } of asked) {
    const { status, code, body } = await call(method, filled(path), method === "GET" ? undefined : "{}");
    expect([method, path, status, code]).toEqual([method, path, 404, "ENDPOINT_NOT_FOUND"]);
    expect(JSON.parse(body).message).toContain(filled(path));
  }
});

test("what is served is there for every client, and is never answered with a page of another kind", async () => {
  for (const { method, path } of ROUTES.filter(({ served }) => served)) {
    // What fails on nothing but its missing fields is there.
    const { status, code, body } = await call(method, filled(path), method === "GET" ? undefined : "{}");
    const said = `${method} ${path}: ${status} ${body.slice(0, 200)}`;
    expect(status, said).toBeLessThan(500);
    expect(code, said).not.toBe("ENDPOINT_NOT_FOUND");
    if (status !== 200) expect(code, said).toMatch(/^[A-Z_]+$/);
  }
});

test("what is asked for and is not there, or is of another kind, has the code that MLflow's own server gives", async () => {
  const [two, three] = ["/api/2.0/mlflow", "/api/3.0/mlflow"];
  const cases: [string, string, object | undefined, number, string][] = [
    ["GET", `${two}/runs/get?run_id=a%2Fb`, undefined, 404, "RESOURCE_DOES_NOT_EXIST"],
    ["GET", `${two}/experiments/get?experiment_id=-1`, undefined, 404, "RESOURCE_DOES_NOT_EXIST"],
    ["GET", `${two}/experiments/get?experiment_id=one`, undefined, 400, "INVALID_PARAMETER_VALUE"],
    ["POST", `${two}/runs/search`, { experiment_ids: "0" }, 400, "INVALID_PARAMETER_VALUE"],
    ["POST", `${two}/experiments/search`, { order_by: "name" }, 400, "INVALID_PARAMETER_VALUE"],
    ["POST", `${three}/traces/link-prompts`, { trace_id: "tr-none" }, 404, "RESOURCE_DOES_NOT_EXIST"],
    ["GET", `${three}/datasets/d-none/records`, undefined, 404, "RESOURCE_DOES_NOT_EXIST"],
    ["GET", `${three}/scorers/get?experiment_id=0&name=none`, undefined, 404, "RESOURCE_DOES_NOT_EXIST"],
    ["DELETE", `${two}/logged-models/${known["model_id"]}/tags/${"k".repeat(250)}`, {}, 404, "RESOURCE_DOES_NOT_EXIST"],
  ];
  for (const [method, path, body, status, code] of cases) {
    const answer = await call(method, path, body === undefined ? undefined : JSON.stringify(body));
    expect([method, path, answer.status, answer.code]).toEqual([method, path, status, code]);
  }
  expect((await call("GET", `${two}/experiments/search?order_by=name`)).status).toBe(200);
});

/** Every name that some request has. */
const FIELDS = linesOf("fields.txt");

/** JSON of values that no field of MLflow's should choke on: a file of them, and those that are too long for a line. */
const LONG = "x".repeat(1_000_000);
const ODD: readonly string[] = [
  ...linesOf("odd-values.txt"),
  JSON.stringify(LONG),
  JSON.stringify([LONG]),
  `${"[".repeat(5_000)}${"]".repeat(5_000)}`,
];

/** What goes with an odd value, so that it is looked at. */
function companions(): Record<string, string> {
  const { run_id, experiment_id, name, version, trace_id } = known as Record<string, string>;
  const texts = {
    run_id,
    run_uuid: run_id,
    experiment_id,
    name,
    version,
    trace_id,
    key: "k",
    value: "v",
    alias: "a",
  } as Record<string, string>;
  const more = Object.entries(texts).map(([key, text]) => [key, JSON.stringify(text)]);
  return {
    ...Object.fromEntries(more),
    experiment_ids: '["0"]',
    run_ids: JSON.stringify([run_id]),
    timestamp: "1",
    timestamp_ms: "1",
    metric_key: '"k"',
    view_type: '"ACTIVE_ONLY"',
    new_name: '"other"',
    source: '"runs:/some_run/model"',
    stage: '"Staging"',
    locations: '[{"mlflow_experiment": {"experiment_id": "0"}}]',
    trace_ids: `["${trace_id}"]`,
    url: '"http://127.0.0.1:9/"',
    metric_name: '"trace_count"',
    aggregations: '[{"aggregation_type": "COUNT"}]',
    assessment: '{"assessment_name": "n", "feedback": {"value": 1}}',
    update_mask: '"feedback"',
    max_timestamp_millis: "0",
  };
}

/** Served routes that take fields; files go by their own tests, and deletions would take away what the others are about. */
function fuzzed(): { method: string; path: string }[] {
  return ROUTES.filter(
    ({ served, method, path }) =>
      served && !path.includes("mlflow-artifacts") && !/DELETE|\/delete$|\/test$/.test(`${method}${path}`),
  );
}

function odd(method: string, path: string, values: Readonly<Record<string, string>>): Promise<Answer> {
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, name]) => name!));
  const at = path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const raw = values[name] === undefined ? (known[name] ?? "none") : textOf(values[name]);
    return encodeURIComponent(raw.slice(0, 1_000).replaceAll(/\p{Surrogate}/gu, "?") || "x");
  });
  const fields = Object.entries(values).filter(([name]) => !inPath.has(name));
  if (method !== "GET") return call(method, at, `{${fields.map(([name, json]) => `"${name}":${json}`).join(",")}}`);
  const query = fields.map(
    ([name, json]) =>
      `${name}=${encodeURIComponent(
        textOf(json)
          .slice(0, 2_000)
          .replaceAll(/\p{Surrogate}/gu, "?"),
      )}`,
  );
  return call(method, `${at}?${query.join("&")}`);
}

/** As a query string has it: texts without quotes. */
function textOf(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === "string" ? value : Array.isArray(value) && typeof value[0] === "string" ? value[0] : json;
}

test(
  "no value of any field makes the server fail: it is taken, or refused with MLflow's code",
  { timeout: 300_000 },
  async () => {
    const failed: string[] = [];
    const tries = fuzzed().flatMap(({ method, path }, at) =>
      // A twelfth of the fields of each route, with another value each: over all routes every field meets many values.
      FIELDS.filter((_, of) => (at + of) % SHARE === 0).map((field, of) => ({
        method,
        path,
        field,
        json: ODD[(at * 31 + of * 7) % ODD.length]!,
      })),
    );
    await inLanes(tries, async ({ method, path, field, json }) => {
      const { status, code, body } = await odd(method, path, { ...companions(), [field]: json });
      const isFine = status === 200 || (status >= 400 && status < 500 && code !== undefined);
      if (!isFine) failed.push(`${method} ${path} ${field}=${json.slice(0, 80)}: ${status} ${body.slice(0, 300)}`);
    });
    expect(failed).toEqual([]);
  },
);

const LANES = 8;
const SHARE = 12;

async function inLanes<T>(all: readonly T[], run: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const lane = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await run(one);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
