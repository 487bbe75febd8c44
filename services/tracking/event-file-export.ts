import type { Pool } from "pg";
import { scalarValue, summaryEvent, versionEvent } from "./core/tensorboard/event.ts";
import { writeRecord } from "./core/tensorboard/record.ts";
import { type EventRun, metricKeys, readSummaries } from "./event-file-store.ts";
import { type Place, readHistory } from "./history-store.ts";

/** Points in memory at a time. */
const PAGE_POINTS = 20_000;
/** They may have megabytes each. */
const PAGE_SUMMARIES = 20;

/** The run as an event file, in pieces: every point of every metric, then its histograms, images and texts. */
export async function* exportRun(pool: Pool, run: EventRun): AsyncGenerator<Uint8Array> {
  yield writeRecord(versionEvent(run.startMs));
  for (const key of await metricKeys(pool, run.number)) yield* scalars(pool, run.number, key);
  yield* summaries(pool, run.number);
}

async function* scalars(pool: Pool, run: number, key: string): AsyncGenerator<Uint8Array> {
  for (let after: Place | null = null; ;) {
    const { timesMs, steps, values } = await readHistory(pool, { run, key }, { after, limit: PAGE_POINTS });
    const records = values.map((value, index) =>
      writeRecord(summaryEvent(Number(steps[index]!), Number(timesMs[index]!), [scalarValue(key, value)])),
    );
    if (records.length > 0) yield Buffer.concat(records);
    if (values.length < PAGE_POINTS) return;
    const last = values.length - 1;
    after = { timeMs: timesMs[last]!, step: steps[last]!, value: values[last]! };
  }
}

async function* summaries(pool: Pool, run: number): AsyncGenerator<Uint8Array> {
  for (let after: Parameters<typeof readSummaries>[2] = null; ;) {
    const page = await readSummaries(pool, run, after, PAGE_SUMMARIES);
    for (const { step, wallMs, value } of page) yield writeRecord(summaryEvent(step, wallMs, [value]));
    if (page.length < PAGE_SUMMARIES) return;
    after = page.at(-1)!;
  }
}
