import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compact } from "../../services/tracking/compactor.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;
let pool: pg.Pool;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
afterAll(async () => {
  await pool?.end();
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

type Answer = Record<string, any> & { readonly status: number };

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/api/2.0/mlflow/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : {
          body: typeof body === "string" ? body : JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
  });
  return { ...((await response.json()) as object), status: response.status };
}
const post = (path: string, body: unknown): Promise<Answer> => call("POST", path, body);
const get = (path: string): Promise<Answer> => call("GET", path);
const newRun = async (): Promise<string> =>
  (await post("runs/create", { experiment_id: "0", start_time: 1 }))["run"].info.run_id;
const history = async (run: string, key: string, max = 25_000): Promise<any[]> => {
  const all: any[] = [];
  for (let token = ""; ;) {
    const page = await get(
      `metrics/get-history?run_id=${run}&metric_key=${key}&max_results=${max}&page_token=${token}`,
    );
    expect(page.status).toBe(200);
    all.push(...(page["metrics"] ?? []));
    if (page["next_page_token"] === undefined) return all;
    token = page["next_page_token"];
  }
};
const point = (step: number, value = step) => ({ key: "m", value, timestamp: 1_000 + step, step });

test("what two hundred connections log at once is all there, each point once, whatever is sent again", async () => {
  const run = await newRun();
  const send = (lane: number) =>
    post("runs/log-batch", { run_id: run, metrics: Array.from({ length: 10 }, (_, i) => point(lane * 10 + i)) });
  const answers = await Promise.all(Array.from({ length: 200 }, (_, lane) => send(lane)));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  await Promise.all(Array.from({ length: 20 }, (_, lane) => send(lane)));
  expect((await history(run, "m")).map(({ step }) => step)).toEqual(Array.from({ length: 2000 }, (_, i) => i));
  const { data } = (await get(`runs/get?run_id=${run}`))["run"];
  expect(data.metrics).toEqual([point(1999)]);
});

test("a history reads the same page by page, before and after its chunks are put together", async () => {
  const run = await newRun();
  for (let i = 0; i < 40; i += 1)
    await post("runs/log-batch", {
      run_id: run,
      // Out of order, overlapping, and each twice.
      metrics: [point((i * 7) % 40), point(((i * 7) % 40) + 0, 0.5), point(39 - i)],
    });
  const before = await history(run, "m", 7);
  expect(before).toHaveLength(80);
  expect(before).toEqual(await history(run, "m"));
  const { rows } = await pool.query("select number from runs where id = $1", [run]);
  expect(await compact(pool, { run: Number(rows[0].number), key: "m" })).toBe(40);
  expect(await history(run, "m", 7)).toEqual(before);
});

test("a batch is written whole or not at all, and the others of its commit are", async () => {
  const run = await newRun();
  await post("runs/log-parameter", { run_id: run, key: "lr", value: "0.1" });
  const [refused, taken, absent] = await Promise.all([
    post("runs/log-batch", { run_id: run, metrics: [point(1)], params: [{ key: "lr", value: "0.2" }] }),
    post("runs/log-batch", { run_id: run, metrics: [point(2)], params: [{ key: "lr", value: "0.1" }] }),
    post("runs/log-batch", { run_id: "0".repeat(32), metrics: [point(3)] }),
  ]);
  expect([refused.status, refused["error_code"]]).toEqual([400, "INVALID_PARAMETER_VALUE"]);
  expect(taken.status).toBe(200);
  expect([absent.status, absent["error_code"]]).toEqual([404, "RESOURCE_DOES_NOT_EXIST"]);
  expect(await history(run, "m")).toEqual([point(2)]);
});

test("one of several who write a new param with different values wins, and only one", async () => {
  const run = await newRun();
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, i) => post("runs/log-parameter", { run_id: run, key: "p", value: String(i) })),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 400)).toHaveLength(9);
});

test("integers of 64 bits, NaN and infinities come back as they were sent", async () => {
  const run = await newRun();
  const large = "9223372036854775807";
  const sent = `{"run_id":"${run}","metrics":[{"key":"m","value":"NaN","timestamp":1,"step":${large}},{"key":"i","value":"-Infinity","timestamp":"2","step":"-5"}]}`;
  expect((await post("runs/log-batch", sent)).status).toBe(200);
  const answer = await fetch(
    `http://127.0.0.1:${server.httpPort}/api/2.0/mlflow/metrics/get-history?run_id=${run}&metric_key=m`,
  );
  expect(await answer.text()).toBe(`{"metrics":[{"key":"m","value":"NaN","timestamp":1,"step":${large}}]}`);
  expect(await history(run, "i")).toEqual([{ key: "i", value: "-Infinity", timestamp: 2, step: -5 }]);
});

test("a view of a long history has its ends and no more points than were asked for", async () => {
  const run = await newRun();
  const metrics = (from: number) => Array.from({ length: 1000 }, (_, i) => point(from + i));
  await Promise.all(
    Array.from({ length: 60 }, (_, i) => post("runs/log-batch", { run_id: run, metrics: metrics(i * 1000) })),
  );
  const { rows } = await pool.query("select number from runs where id = $1", [run]);
  await compact(pool, { run: Number(rows[0].number), key: "m" });
  const view = await get(`metrics/get-history-bulk-interval?run_ids=${run}&metric_key=m&max_results=100`);
  const steps = view["metrics"].map(({ step }: { step: number }) => step);
  expect(steps).toHaveLength(100);
  expect([steps[0], steps.at(-1)]).toEqual([0, 59_999]);
  const part = await get(
    `metrics/get-history-bulk-interval?run_ids=${run}&metric_key=m&max_results=50&start_step=10&end_step=19`,
  );
  expect(part["metrics"].map(({ step }: { step: number }) => step)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});

test("pages of a search part no run and repeat none, also among equal values and runs without one", async () => {
  const { experiment_id: experiment } = await post("experiments/create", { name: "pages" });
  const values = [1, 1, "NaN", 2, null, "Infinity", null, 1, "NaN", -3];
  for (const value of values) {
    const { run } = await post("runs/create", { experiment_id: experiment, start_time: 5 });
    if (value !== null)
      await post("runs/log-metric", { run_id: run.info.run_id, key: "m", value, timestamp: 1, step: 0 });
  }
  for (const order of ["metrics.m ASC", "metrics.m DESC", "attributes.end_time DESC", "params.none"]) {
    const search = { experiment_ids: [experiment], order_by: [order] };
    const whole = (await post("runs/search", search))["runs"].map((run: any) => run.info.run_id);
    expect(new Set(whole).size).toBe(values.length);
    const paged: string[] = [];
    for (let token: string | undefined = ""; token !== undefined;) {
      const page: Answer = await post("runs/search", { ...search, max_results: 3, page_token: token });
      paged.push(...page["runs"].map((run: any) => run.info.run_id));
      token = page["next_page_token"];
    }
    expect(paged).toEqual(whole);
  }
  const other = await post("runs/search", { experiment_ids: [experiment], page_token: "bm9uc2Vuc2U" });
  expect([other.status, other["error_code"]]).toEqual([400, "INVALID_PARAMETER_VALUE"]);
});

test("a filter over a metric finds the same runs whether few or very many have such a value", async () => {
  const { experiment_id: experiment } = await post("experiments/create", { name: "many" });
  await pool.query(
    `with made as (
       insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri)
       select 'many' || i, $1, i::text, '', 'RUNNING', i, '' from generate_series(1, 12000) i returning number, start_ms),
     measured as (insert into run_metrics (run, key, value, timestamp_ms, step)
       select number, 'm', case when start_ms = 12000 then 'NaN' else start_ms::float8 end, 0, 0 from made)
     insert into run_params (run, key, value) select number, 'p', (start_ms % 10)::text from made`,
    [experiment],
  );
  const names = async (filter: string, order_by: string[]): Promise<number[]> => {
    const found: number[] = [];
    const search = { experiment_ids: [experiment], filter, order_by, max_results: 4 };
    for (let token: string | undefined = ""; token !== undefined && found.length < 10;) {
      const page: Answer = await post("runs/search", { ...search, page_token: token });
      expect(page.status).toBe(200);
      found.push(...(page["runs"] ?? []).map((run: any) => Number(run.info.run_name)));
      token = page["next_page_token"];
    }
    return found;
  };
  expect(await names("metrics.m > 11900 and params.p = '7' and metrics.m <= 11957", [])).toEqual([
    11957, 11947, 11937, 11927, 11917, 11907,
  ]);
  expect(await names("metrics.m > 11900 and params.p = '7'", ["metrics.m ASC"])).toEqual([
    11907, 11917, 11927, 11937, 11947, 11957, 11967, 11977, 11987, 11997,
  ]);
  expect(await names("metrics.m > 10 and params.p = '7' and params.p != '8'", ["metrics.m ASC"])).toEqual(
    Array.from({ length: 12 }, (_, i) => 17 + 10 * i),
  );
  expect(await names("metrics.m != 5 and metrics.m >= 11998", ["params.p ASC"])).toEqual([11998, 11999]);
  expect(await names("metrics.m > 99999", ["metrics.m DESC"])).toEqual([]);
  expect((await names("metrics.m != 3", []))[0]).toBe(12000);
});

test("what is asked for in vain or wrongly is told in MLflow's codes, never with a 5xx", async () => {
  const told = async (answer: Promise<Answer>) => [(await answer).status, (await answer)["error_code"]];
  expect(await told(get("nowhere"))).toEqual([404, "ENDPOINT_NOT_FOUND"]);
  expect(await told(post("runs/log-batch", "{nonsense"))).toEqual([400, "BAD_REQUEST"]);
  expect(await told(post("runs/create", { experiment_id: "12345" }))).toEqual([404, "RESOURCE_DOES_NOT_EXIST"]);
  expect(await told(post("runs/log-metric", { run_id: "x", key: "../up", value: 1, timestamp: 1 }))).toEqual([
    400,
    "INVALID_PARAMETER_VALUE",
  ]);
  const many = Array.from({ length: 1001 }, (_, i) => point(i));
  expect(await told(post("runs/log-batch", { run_id: await newRun(), metrics: many }))).toEqual([
    400,
    "INVALID_PARAMETER_VALUE",
  ]);
  expect(await told(post("experiments/create", { name: "Default" }))).toEqual([400, "RESOURCE_ALREADY_EXISTS"]);
});

test("no path leaves the files of the proxy, and a file is never also a folder", async () => {
  const base = `http://127.0.0.1:${server.httpPort}/api/2.0/mlflow-artifacts/artifacts`;
  const put = async (path: string): Promise<number> =>
    (await fetch(`${base}/${path}`, { method: "PUT", body: "x" })).status;
  expect(await put("a/b/c.txt")).toBe(200);
  expect(await Promise.all(["a/..%2Fb", "a/%252e%252e/b", "%2Fetc/x", "a/b", "a/b/c.txt/d"].map(put))).toEqual([
    400, 400, 400, 400, 400,
  ]);
  const listed = async (path: string) => (await fetch(`${base}?path=${path}`)).json();
  expect(await listed("a")).toEqual({ files: [{ path: "b", is_dir: true }] });
  expect(await listed("a/b/c.txt")).toEqual({});
  expect((await fetch(`${base}/a/b/c.txt`, { headers: { range: "bytes=0-0" } })).status).toBe(206);
  expect((await fetch(`${base}/a`, { method: "DELETE" })).status).toBe(200);
  expect((await fetch(`${base}/a/b/c.txt`)).status).toBe(404);
});
