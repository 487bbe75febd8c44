import http from "node:http";
import pg from "pg";
import { figure, type Row } from "../figure.ts";
import { median, sample } from "../sample.ts";
import { batchBody, createRun, ask, runLoad } from "../tracking-load.ts";

const POINTS = 1_000_000;
const BATCH = 1_000;
const CONNECTIONS = 8;
const KEY = "metric-0";
/** As MLflow's client asks for them. */
const PAGE_POINTS = 25_000;
/** As its UI does. */
const VIEW_POINTS = 320;
const VIEWS = 20;
const READS = 3;
const PATH = "/api/2.0/mlflow";

export const trackingHistory: Row = {
  name: "tracking-history",
  about: `a metric of ${POINTS.toLocaleString("en")} points: a view of ${VIEW_POINTS}, and all of them in pages of ${PAGE_POINTS.toLocaleString("en")}, each looked at for being there once`,
  run: async (bench) => {
    const { httpUrl, databaseUrl } = await bench.cluster();
    const agent = new http.Agent({ keepAlive: true });
    bench.onEnd(() => agent.destroy());
    const run = await createRun(agent, httpUrl);
    let sent = 0;
    const { seconds, errors } = await runLoad({
      url: httpUrl,
      connections: CONNECTIONS,
      count: POINTS / BATCH,
      request: () => ({ path: `${PATH}/runs/log-batch`, body: batchBody(run, BATCH, 1, BATCH * sent++) }),
    });
    if (Object.keys(errors).length > 0) throw new Error(`not all points were taken: ${JSON.stringify(errors)}`);
    bench.say(`  logged in ${seconds.toFixed(1)} s`);

    const view = await sample(VIEWS, () => readView(agent, httpUrl, run));
    const reads: { readonly ms: number; readonly bytes: number }[] = [];
    for (let i = 0; i < READS; i += 1) reads.push(await readAll(agent, httpUrl, run));
    const all = median(reads.map(({ ms }) => ms)) / 1000;
    bench.say(
      `  view ${median(view).toFixed(1)} ms, at most ${Math.max(...view).toFixed(1)}; all ${reads.map(({ ms }) => `${Math.round(ms)} ms`).join(", ")}`,
    );
    const bytes = reads[0]!.bytes;
    const bare = await textSeconds(databaseUrl, bytes);
    return [
      figure(
        {
          row: `history: a view of ${VIEW_POINTS}`,
          unit: "ms",
          value: median(view),
          reference: "one of all points",
          referenceValue: all * 1000,
        },
        { compare: "≤", limit: 100, of: "value" },
      ),
      figure(
        {
          row: "history: all points",
          unit: "s",
          value: all,
          reference: `a text of ${Math.round(bytes / 1e6)} MB, as long as the answers, from the same Postgres`,
          referenceValue: bare,
        },
        { compare: "≤", limit: 2, of: "value" },
      ),
    ];
  },
};

async function get(agent: http.Agent, url: string, path: string): Promise<string> {
  const { status, text } = await ask(agent, url, `${PATH}/metrics/${path}`, undefined);
  if (status !== 200) throw new Error(`${path}: ${status} ${text.slice(0, 300)}`);
  return text;
}

async function readView(agent: http.Agent, url: string, run: string): Promise<void> {
  const text = await get(
    agent,
    url,
    `get-history-bulk-interval?run_ids=${run}&metric_key=${KEY}&max_results=${VIEW_POINTS}`,
  );
  const { metrics } = JSON.parse(text) as { metrics: { step: number }[] };
  if (metrics.length !== VIEW_POINTS || metrics[0]!.step !== 0 || metrics.at(-1)!.step !== POINTS - 1)
    throw new Error(`the view has ${metrics.length} points, ${metrics[0]?.step} to ${metrics.at(-1)?.step}`);
}

/** Milliseconds until the last byte had come. What the bytes say is looked at after that. */
async function readAll(agent: http.Agent, url: string, run: string): Promise<{ ms: number; bytes: number }> {
  const pages: string[] = [];
  const began = performance.now();
  for (let token: string | undefined = ""; token !== undefined;) {
    const text = await get(
      agent,
      url,
      `get-history?run_id=${run}&metric_key=${KEY}&max_results=${PAGE_POINTS}&page_token=${token}`,
    );
    pages.push(text);
    token = /"next_page_token":"([^"]*)"\}$/.exec(text.slice(-500))?.[1];
  }
  const ms = performance.now() - began;
  let step = 0;
  for (const page of pages)
    for (const point of (JSON.parse(page) as { metrics: { step: number }[] }).metrics)
      if (point.step !== step++) throw new Error(`instead of point ${step - 1} came ${point.step}`);
  if (step !== POINTS) throw new Error(`${step} of ${POINTS} points came`);
  return { ms, bytes: pages.reduce((sum, page) => sum + page.length, 0) };
}

async function textSeconds(url: string, bytes: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return median(await sample(READS, () => client.query("select repeat('x', $1)", [bytes]))) / 1000;
  } finally {
    await client.end();
  }
}
