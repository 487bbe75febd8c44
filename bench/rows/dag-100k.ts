import pg from "pg";
import { pipeline, type PipelineBuilder } from "../../sdk/index.ts";
import { figure, type Row } from "../figure.ts";
import { median, sample } from "../sample.ts";

const LAYERS = 100;
const LAYER_TASKS = 1_000;
const SUBMITS = 3;

export const dag100k: Row = {
  name: "dag-100k",
  about:
    "a job of 100,000 tasks in 100 layers, each needing one of the layer before: from submit until it is accepted, committed",
  run: async (bench) => {
    const { client, databaseUrl } = await bench.cluster();
    const built = layers();
    const seconds = median(await sample(SUBMITS, () => client.submit(built))) / 1000;
    return [
      figure(
        {
          row: "dag-100k",
          value: seconds,
          unit: "s",
          reference: "the same message as JSON text inserted as one row into the same Postgres",
          referenceValue: (await insertMs(databaseUrl, JSON.stringify(built.toProto()))) / 1000,
        },
        { compare: "≤", limit: 3, of: "value" },
      ),
    ];
  },
};

function layers(): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-dag");
  for (let layer = 0; layer < LAYERS; layer += 1) {
    for (let i = 0; i < LAYER_TASKS; i += 1) {
      const needs = layer === 0 ? [] : [`t${layer - 1}-${i}`];
      built = built.task(`t${layer}-${i}`, { run: ["true"], needs });
    }
  }
  return built;
}

async function insertMs(url: string, text: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("create table bench_dag (spec json not null)");
    return median(await sample(SUBMITS, () => client.query("insert into bench_dag values ($1)", [text])));
  } finally {
    await client.query("drop table if exists bench_dag");
    await client.end();
  }
}
