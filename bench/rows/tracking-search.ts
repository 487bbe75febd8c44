import http from "node:http";
import pg from "pg";
import type { Figure, Row } from "../figure.ts";
import { besideMlflow, type Failed, withMlflow } from "../mlflow.ts";
import { median, sample } from "../sample.ts";
import { ask } from "../tracking-load.ts";
import { fillMlflow, fillWeft, RUNS } from "../tracked-runs.ts";

const SAMPLES = 20;
/** Its searches take seconds. */
const PEER_SAMPLES = 3;
/** What MLflow's own UI asks for. */
const PAGE_RUNS = 100;

interface Search {
  readonly name: string;
  readonly filter?: string;
  readonly orderBy?: string;
}

const SEARCHES: readonly Search[] = [
  { name: "metric and param", filter: "metrics.accuracy > 0.9 and params.optimizer = 'adam'" },
  { name: "few of them", filter: "metrics.accuracy > 0.9995 and params.optimizer = 'adam'" },
  { name: "best by metric", orderBy: "metrics.accuracy DESC" },
  { name: "best of a param", filter: "params.optimizer = 'sgd'", orderBy: "metrics.loss ASC" },
  { name: "tag", filter: "tags.team = 'team-3'" },
  { name: "newest" },
];

export const trackingSearch: Row = {
  name: "tracking-search",
  about: `the first page (${PAGE_RUNS}) of searches over ${RUNS.toLocaleString("en")} runs with five metrics, five params and four tags each; p50`,
  run: async (bench) => {
    const ours = await bench.within(async (own) => {
      const { databaseUrl, httpUrl } = await own.cluster();
      await fill(databaseUrl, fillWeft);
      return measure(httpUrl, SAMPLES);
    });
    const theirs = await withMlflow(bench, async ({ url, databaseUrl }) => {
      await fill(databaseUrl, fillMlflow);
      return measure(url, PEER_SAMPLES);
    });
    return SEARCHES.flatMap(({ name }): Figure[] => {
      const peer: Failed | { value: number; how: string } =
        "failed" in theirs ? theirs : { value: theirs.get(name)!, how: "the same rows in its own tables" };
      const found = { row: `search: ${name}`, unit: "ms", value: ours.get(name)! };
      const inMs = besideMlflow(found, peer, { compare: "≤", limit: 50, of: "value" });
      if (name !== SEARCHES[0]!.name) return [inMs];
      return [inMs, besideMlflow(found, peer, { compare: "≤", limit: 0.1, of: "ratio" })];
    });
  },
};

async function fill(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}

/** Milliseconds, the median, by name. */
async function measure(url: string, samples: number): Promise<Map<string, number>> {
  const agent = new http.Agent({ keepAlive: true });
  const found = new Map<string, number>();
  try {
    for (const { name, filter, orderBy } of SEARCHES) {
      const body = JSON.stringify({
        experiment_ids: ["0"],
        max_results: PAGE_RUNS,
        ...(filter === undefined ? {} : { filter }),
        ...(orderBy === undefined ? {} : { order_by: [orderBy] }),
      });
      const search = async (): Promise<void> => {
        const { status, text } = await ask(agent, url, "/api/2.0/mlflow/runs/search", body);
        if (status !== 200) throw new Error(`search ${name}: ${status} ${text.slice(0, 300)}`);
        const { runs = [] } = JSON.parse(text) as { runs?: unknown[] };
        if (runs.length === 0) throw new Error(`search ${name} found nothing`);
      };
      found.set(name, median(await sample(samples, search)));
    }
  } finally {
    agent.destroy();
  }
  return found;
}
