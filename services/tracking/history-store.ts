import type { Pool } from "pg";
import type { Int64 } from "./core/fields.ts";
import {
  decodePoints,
  noPoints,
  order,
  orderValues,
  type Points,
  sortBySteps,
  sortPoints,
  spread,
} from "./core/points.ts";

/** A point that a page ended with. */
export interface Place {
  readonly timeMs: Int64;
  readonly step: Int64;
  readonly value: number;
}

export interface Metric {
  /** The run's number. */
  readonly run: number;
  readonly key: string;
}

export interface StepRange {
  readonly first: Int64;
  readonly last: Int64;
}

interface ChunkData {
  readonly points: Buffer;
  /** Where the chunk after it begins; null: it is the last. */
  readonly next_ms: string | null;
  readonly next_step: string | null;
}

/** Up to this many points a view is drawn from all of them, above from the samples of their chunks. */
const EXACT_POINTS_MAX = 50_000;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The next points in order of time, step and value, each once; at most `limit`, and fewer only at the end. Reads only
 * about as many chunks as hold them. Each look is one statement, so that chunks being put together do not matter.
 */
export async function readHistory(
  pool: Pool,
  metric: Metric,
  page: {
    readonly after: Place | null;
    readonly limit: number;
    readonly onRead?: (metric: Metric, chunks: number) => void;
  },
): Promise<Points> {
  for (let wanted = page.limit; ; wanted *= 2) {
    const chunks = await selectChunks(pool, metric, page.after, wanted);
    page.onRead?.(metric, chunks.length);
    const gathered = noPoints();
    for (const chunk of chunks) decodePoints(chunk.points, gathered);
    const bound = chunks.at(-1);
    const isEnd = bound === undefined || bound.next_ms === null;
    const points = sortPoints(gathered);
    const from = page.after === null ? 0 : firstAfter(points, page.after);
    const end = isEnd ? points.values.length : firstAt(points, bound);
    // Chunks that overlap, or repeat points, may give fewer than their counts say.
    if (isEnd || end - from >= page.limit) return part(points, from, Math.min(end, from + page.limit));
  }
}

/** In order of their beginning, from the first that may hold points after the place, as many as have `wanted` points. */
async function selectChunks(
  pool: Pool,
  { run, key }: Metric,
  after: Place | null,
  wanted: number,
): Promise<ChunkData[]> {
  const { rows } = await pool.query<ChunkData>({
    name: "tracking-history-chunks",
    text: `select points, next_ms, next_step from (
             select points, sum(count) over w - count as before,
                    lead(first_ms) over w as next_ms, lead(first_step) over w as next_step
               from (select * from metric_chunks
                      where run = $1 and key = $2 and (last_ms, last_step) >= ($3::bigint, $4::bigint)
                      order by first_ms, first_step, id limit $5::int + 1) c
             window w as (order by first_ms, first_step, id)) d
            where before < $5::int`,
    values: [run, key, String(after?.timeMs ?? INT64_MIN), String(after?.step ?? INT64_MIN), wanted],
  });
  return rows;
}

/** Of sorted points, the first after the place. */
function firstAfter({ timesMs, steps, values }: Points, place: Place): number {
  return lowest(values.length, (index) => {
    const by = order(timesMs[index]!, place.timeMs) || order(steps[index]!, place.step);
    return (by || orderValues(values[index]!, place.value)) > 0;
  });
}

/** Of sorted points, the first that the next chunk may come before. */
function firstAt({ timesMs, steps, values }: Points, bound: ChunkData): number {
  const boundMs = BigInt(bound.next_ms!);
  const boundStep = BigInt(bound.next_step!);
  return lowest(values.length, (index) => (order(timesMs[index]!, boundMs) || order(steps[index]!, boundStep)) >= 0);
}

/** The lowest index for which it holds, given that it holds for all above. */
function lowest(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function part({ timesMs, steps, values }: Points, from: number, end: number): Points {
  return { timesMs: timesMs.slice(from, end), steps: steps.slice(from, end), values: values.slice(from, end) };
}

/**
 * At most `count` points in order of step, evenly spread over the metric's history or the steps given, with the first and the last.
 * Of a long history they are taken from what its chunks keep for it, so that it is not read whole.
 */
export async function sampleHistory(
  pool: Pool,
  { run, key }: Metric,
  steps: StepRange | null,
  count: number,
): Promise<Points> {
  const { first, last } = steps ?? { first: INT64_MIN, last: INT64_MAX };
  const { rows } = await pool.query<{ points: Buffer }>({
    name: "tracking-history-sample",
    // A chunk that reaches out of the steps is read whole: its sample may have nothing between them.
    text: `select case when sum(count) over () > $5::int and first_step >= $3::bigint and last_step <= $4::bigint
                       then coalesce(sample, points) else points end as points
             from metric_chunks where run = $1 and key = $2 and last_step >= $3::bigint and first_step <= $4::bigint`,
    values: [run, key, String(first), String(last), EXACT_POINTS_MAX],
  });
  const gathered = noPoints();
  for (const { points } of rows) decodePoints(points, gathered);
  return spread(between(sortBySteps(gathered), first, last), count);
}

function between(points: Points, first: Int64, last: Int64): Points {
  const { steps } = points;
  const from = lowest(steps.length, (index) => order(steps[index]!, first) >= 0);
  return part(
    points,
    from,
    lowest(steps.length, (index) => order(steps[index]!, last) > 0),
  );
}
