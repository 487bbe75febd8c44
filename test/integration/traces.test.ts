import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;
let url: string;
let experiment: string;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  url = `http://127.0.0.1:${server.httpPort}`;
  ({ experiment_id: experiment } = (await call("POST", "2.0/mlflow/experiments/create", { name: "traced" })) as {
    experiment_id: string;
  });
});
afterAll(async () => {
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${url}/api/${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return response.json();
}

const hex = (seed: number, bytes: number): string => seed.toString(16).padStart(bytes * 2, "0");

interface SpanSpec {
  readonly trace: number;
  readonly id: number;
  readonly parent?: number;
  readonly name: string;
  readonly error?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** A request of OTLP in JSON; each span takes 250 ms. */
function otlp(spans: readonly SpanSpec[]): string {
  return JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: spans.map(({ trace, id, parent, name, error, attributes = {} }) => ({
              traceId: hex(trace, 16),
              spanId: hex(id, 8),
              ...(parent !== undefined && { parentSpanId: hex(parent, 8) }),
              name,
              startTimeUnixNano: "1795473729121270437",
              endTimeUnixNano: "1795473729371270437",
              status: { code: error ? 2 : 1 },
              attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
            })),
          },
        ],
      },
    ],
  });
}

function send(body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> {
  const given = { "content-type": "application/json", "x-mlflow-experiment-id": experiment, ...headers };
  return fetch(`${url}/v1/traces`, { method: "POST", headers: given, body });
}

async function search(filter: string, more: object = {}): Promise<string[]> {
  const locations = [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: experiment } }];
  const found = (await call("POST", "3.0/mlflow/traces/search", { locations, filter, ...more })) as {
    traces?: { trace_id: string }[];
    message?: string;
  };
  if (found.message !== undefined) throw new Error(found.message);
  return (found.traces ?? []).map(({ trace_id: id }) => id);
}

const idOf = (trace: number): string => `tr-${hex(trace, 16)}`;

test("spans of an OpenTelemetry client make a trace, which is found by what its spans say", async () => {
  const spans = [
    { trace: 1, id: 11, name: "answer", attributes: { "mlflow.spanInputs": '{"q":1}', "mlflow.spanType": '"AGENT"' } },
    { trace: 1, id: 12, parent: 11, name: "ask", attributes: { "gen_ai.model": "m1" } },
    { trace: 2, id: 21, name: "answer", error: true },
  ];
  const response = await send(gzipSync(otlp(spans)), { "content-encoding": "gzip" });
  expect([response.status, await response.text()]).toEqual([200, "{}"]);

  const { trace } = (await call("GET", `3.0/mlflow/traces/get?trace_id=${idOf(1)}`)) as { trace: unknown };
  expect(trace).toMatchObject({
    trace_info: {
      trace_id: idOf(1),
      trace_location: { mlflow_experiment: { experiment_id: experiment } },
      request_time: "2026-11-23T22:42:09.121Z",
      execution_duration: "0.25s",
      state: "OK",
      request_preview: '{"q":1}',
      tags: { "mlflow.traceName": "answer", "mlflow.trace.spansLocation": "TRACKING_STORE" },
    },
    spans: [
      { name: "answer", start_time_unix_nano: "1795473729121270437", status: { code: "STATUS_CODE_OK" } },
      { name: "ask", parent_span_id: Buffer.from(hex(11, 8), "hex").toString("base64") },
    ],
  });
  expect(await search("status = 'ERROR'")).toEqual([idOf(2)]);
  expect(await search("name = 'answer' AND span.name = 'ask'")).toEqual([idOf(1)]);
  expect(await search("span.type = 'AGENT'")).toEqual([idOf(1)]);
  expect(await search("span.attributes.gen_ai.model LIKE 'm%'")).toEqual([idOf(1)]);
  expect(await search("name RLIKE '^an.wer$' AND execution_time_ms >= 250")).toEqual([idOf(1), idOf(2)]);
  await expect(search("name RLIKE '('")).rejects.toThrow(/RLIKE.*parentheses/);
  await expect(search("span.colour = 'red'")).rejects.toThrow(/Invalid span attribute 'colour'/);
  // The same spans again, as a client does that had no answer, are the same spans.
  await send(otlp(spans));
  const again = (await call("GET", `3.0/mlflow/traces/batchGet?trace_ids=${idOf(1)}`)) as { traces: { spans: [] }[] };
  expect(again.traces[0]!.spans.length).toBe(2);
});

test("what the trace's maker says stands over what its spans say, whichever comes first", async () => {
  const told = (trace: number) => ({
    trace: {
      trace_info: {
        trace_id: idOf(trace),
        trace_location: { type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: experiment } },
        request_time: "2026-11-23T22:00:00Z",
        execution_duration: "1.5s",
        state: "ERROR",
        trace_metadata: { "mlflow.user": "ada" },
        tags: { "mlflow.traceName": "told" },
      },
    },
  });
  await call("POST", "3.0/mlflow/traces", told(3));
  await send(otlp([{ trace: 3, id: 31, name: "seen" }]));
  await send(otlp([{ trace: 4, id: 41, name: "seen" }]));
  await call("POST", "3.0/mlflow/traces", told(4));
  for (const trace of [3, 4]) {
    const { trace: found } = (await call("GET", `3.0/mlflow/traces/${idOf(trace)}`)) as { trace: unknown };
    expect(found).toMatchObject({
      trace_info: {
        request_time: "2026-11-23T22:00:00.000Z",
        execution_duration: "1.5s",
        state: "ERROR",
        trace_metadata: { "mlflow.user": "ada" },
        tags: { "mlflow.traceName": "told" },
      },
    });
  }
});

test("pages of a search hold every trace once", async () => {
  await send(otlp(Array.from({ length: 7 }, (_, index) => ({ trace: 100 + index, id: 100 + index, name: "paged" }))));
  const seen: string[] = [];
  const locations = [{ type: "MLFLOW_EXPERIMENT", mlflow_experiment: { experiment_id: experiment } }];
  for (let token: string | undefined = ""; token !== undefined;) {
    const body = { locations, filter: "name = 'paged'", max_results: 3, page_token: token };
    const page = (await call("POST", "3.0/mlflow/traces/search", body)) as {
      traces: { trace_id: string }[];
      next_page_token?: string;
    };
    seen.push(...page.traces.map(({ trace_id: id }) => id));
    token = page.next_page_token;
  }
  expect(seen).toEqual(Array.from({ length: 7 }, (_, index) => idOf(100 + index)));
});

test("an assessment overrides another, is found by its value, and its end brings the other back", async () => {
  await send(otlp([{ trace: 5, id: 51, name: "judged" }]));
  const path = `3.0/mlflow/traces/${idOf(5)}/assessments`;
  const make = async (assessment: object): Promise<string> => {
    const made = (await call("POST", path, { assessment: { assessment_name: "good", ...assessment } })) as {
      assessment: { assessment_id: string };
    };
    return made.assessment.assessment_id;
  };
  const first = await make({ feedback: { value: "no" } });
  const second = await make({ feedback: { value: "yes" }, overrides: first });
  expect(await search("feedback.good = 'yes'")).toEqual([idOf(5)]);
  expect(await search("feedback.good = 'no'")).toEqual([]);
  await call("PATCH", `${path}/${second}`, { assessment: { rationale: "read it" }, update_mask: "rationale" });
  expect(await call("GET", `${path}/${second}`)).toMatchObject({
    assessment: { feedback: { value: "yes" }, rationale: "read it" },
  });
  expect(await call("PATCH", `${path}/${second}`, { assessment: {}, update_mask: "createTime" })).toMatchObject({
    error_code: "INVALID_PARAMETER_VALUE",
  });
  await call("DELETE", `${path}/${second}`);
  expect(await search("feedback.good = 'no'")).toEqual([idOf(5)]);
  const odd = { assessment_id: "a-odd", assessment_name: "odd", feedback: { value: "a\0b" } };
  expect(await call("POST", path, { assessment: odd })).toMatchObject({
    assessment: { feedback: { value: "a\uFFFDb" } },
  });
  expect(await call("POST", path, { assessment: odd })).toMatchObject({ error_code: "RESOURCE_ALREADY_EXISTS" });
  expect(await call("POST", path, { assessment: { ...odd, create_time: "soon" } })).toMatchObject({
    error_code: "INVALID_PARAMETER_VALUE",
  });
  expect(await call("POST", path, { assessment: { assessment_name: "none" } })).toMatchObject({
    message: expect.stringContaining("either `feedback` or `expectation`"),
  });
});

test("a trace is linked to a run, tagged, and deleted with all it has", async () => {
  const { run } = (await call("POST", "2.0/mlflow/runs/create", { experiment_id: experiment })) as {
    run: { info: { run_id: string } };
  };
  const runId = run.info.run_id;
  await send(otlp([{ trace: 6, id: 61, name: "linked" }]), { "x-mlflow-run-id": runId });
  expect(await search(`run_id = '${runId}'`)).toEqual([idOf(6)]);
  await call("PATCH", `3.0/mlflow/traces/${idOf(6)}/tags`, { key: "colour", value: "it's red" });
  expect(await search("tag.colour = 'it''s red'")).toEqual([idOf(6)]);
  await call("DELETE", `3.0/mlflow/traces/${idOf(6)}/tags?key=colour`);
  expect(await search("tag.colour IS NOT NULL")).toEqual([]);
  const deletion = { experiment_id: experiment, request_ids: [idOf(6), idOf(999)] };
  expect(await call("POST", "3.0/mlflow/traces/delete-traces", deletion)).toEqual({ traces_deleted: 1 });
  expect(await call("GET", `3.0/mlflow/traces/${idOf(6)}`)).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
  expect(await search(`run_id = '${runId}'`)).toEqual([]);
});

test("a client of MLflow 2 starts and ends a trace, and newer ones see it", async () => {
  const started = (await call("POST", "2.0/mlflow/traces", {
    experiment_id: experiment,
    timestamp_ms: 1_000,
    tags: [{ key: "mlflow.traceName", value: "old" }],
  })) as { trace_info: { request_id: string } };
  const id = started.trace_info.request_id;
  const ended = await call("PATCH", `2.0/mlflow/traces/${id}`, {
    request_id: id,
    timestamp_ms: 1_750,
    status: "OK",
    request_metadata: [{ key: "mlflow.traceInputs", value: "1" }],
  });
  expect(ended).toMatchObject({ trace_info: { execution_time_ms: 750, status: "OK" } });
  expect(await call("GET", `2.0/mlflow/traces/${id}/info`)).toEqual(ended);
  expect(await search("name = 'old' AND metadata.`mlflow.traceInputs` = '1'")).toEqual([id]);
});

test("what is no request of OTLP is refused by name, and nothing of it is kept", async () => {
  const said = async (response: Response): Promise<unknown[]> => [
    response.status,
    ((await response.json()) as { message: string }).message,
  ];
  expect(await said(await send("{}"))).toEqual([400, expect.stringContaining("no spans found")]);
  expect(await said(await send("nonsense"))).toEqual([400, expect.stringContaining("Invalid OpenTelemetry format")]);
  expect(await said(await send("x", { "content-type": "text/plain" }))).toEqual([
    400,
    expect.stringContaining("text/plain"),
  ]);
  expect(await said(await send("x", { "content-encoding": "zstd" }))).toEqual([400, expect.stringContaining("zstd")]);
  expect(await said(await send(Buffer.from("not gzip"), { "content-encoding": "gzip" }))).toEqual([
    400,
    expect.stringContaining("gzip"),
  ]);
  const spans = otlp([{ trace: 7, id: 71, name: "homeless" }]);
  expect(await said(await send(spans, { "x-mlflow-run-id": "nowhere" }))).toEqual([
    404,
    expect.stringContaining("nowhere"),
  ]);
  expect(await said(await send(spans, { "x-mlflow-experiment-id": "987654" }))).toEqual([
    404,
    expect.stringContaining("987654"),
  ]);
  expect(await call("GET", `3.0/mlflow/traces/${idOf(7)}`)).toMatchObject({ error_code: "RESOURCE_DOES_NOT_EXIST" });
});
