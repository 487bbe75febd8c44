import { Readable } from "node:stream";
import type { Fields, Int64 } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid, missingValue } from "./core/mlflow-error.ts";
import { checkRunId } from "./core/name.ts";
import { invalidPageToken, isInt64, makePageToken, readPageToken } from "./core/page-token.ts";
import type { Points } from "./core/points.ts";
import { pointsJson } from "./core/points-json.ts";
import { type Metric, type Place, readHistory, sampleHistory, type StepRange } from "./history-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { getRun, getRuns } from "./run-store.ts";

const LIST = Buffer.from('{"metrics":[');
const COMMA = Buffer.from(",");

/** Is told how many chunks a reader met. */
type OnRead = (metric: Metric, chunks: number) => void;

export function historyRoutes(parts: TrackingParts, onRead: OnRead): MlflowRoute[] {
  const get = (path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({ method: "GET", path, answer });
  return [
    get("/metrics/get-history", (fields) => onHistory(parts, fields, onRead)),
    get("/metrics/get-history-bulk", (fields) => onBulk(parts, fields)),
    get("/metrics/get-history-bulk-interval", (fields) => onInterval(parts, fields)),
  ];
}

async function onHistory({ pool }: TrackingParts, fields: Fields, onRead: OnRead): Promise<Buffer | Readable> {
  const id = checkRunId(fields.runId());
  const key = fields.requiredText("metric_key");
  const asked = fields.integer("max_results");
  if (asked !== undefined && asked <= 0)
    throw invalid(`Invalid value ${asked} for parameter 'max_results' supplied. It must be a positive integer.`);
  const shape = `history ${key}`;
  const after = readPlace(fields.text("page_token"), shape);
  const run = await getRun(pool, id);
  const metric = { run: run.number, key };
  if (asked === undefined) return Readable.from(await wholeHistory(pool, metric, after));
  const limit = Math.min(asked, LIMITS.historyPoints);
  // One more tells whether there is a next page.
  const points = await readHistory(pool, metric, { after, limit: limit + 1, onRead });
  const count = Math.min(points.values.length, limit);
  if (count === 0) return Buffer.from("{}");
  const token = points.values.length > limit ? `,"next_page_token":"${placeToken(shape, points, limit - 1)}"` : "";
  return Buffer.concat([LIST, pointsJson(key, points, count), Buffer.from(`]${token}}`)]);
}

/** Without a page size the whole history is the answer; it leaves page by page. The first page is read when this resolves. */
async function wholeHistory(
  pool: TrackingParts["pool"],
  metric: Metric,
  from: Place | null,
): Promise<AsyncIterable<Buffer>> {
  const limit = LIMITS.historyPoints;
  const first = await readHistory(pool, metric, { after: from, limit });
  return (async function* () {
    yield first.values.length === 0 ? Buffer.from("{") : LIST;
    for (let points = first; points.values.length > 0;) {
      const count = points.values.length;
      yield pointsJson(metric.key, points, count);
      if (count < limit) break;
      points = await readHistory(pool, metric, { after: placeAt(points, count - 1), limit });
      if (points.values.length > 0) yield COMMA;
    }
    yield Buffer.from(first.values.length === 0 ? "}" : "]}");
  })();
}

/** The first points of several runs, run by run. */
async function onBulk({ pool }: TrackingParts, fields: Fields): Promise<Buffer> {
  const ids = fields.texts("run_id");
  if (ids.length === 0) throw invalid("GetMetricHistoryBulk request must specify at least one run_id.");
  if (ids.length > LIMITS.historyRuns)
    throw invalid(
      `GetMetricHistoryBulk request cannot specify more than ${LIMITS.historyRuns} run_ids. Received ${ids.length} run_ids.`,
    );
  const key = fields.text("metric_key");
  if (key === undefined) throw invalid("GetMetricHistoryBulk request must specify a metric_key.");
  let left = Math.min(fields.integer("max_results") ?? LIMITS.historyPoints, LIMITS.historyPoints);
  const found: Buffer[] = [];
  for (const run of await getRuns(pool, ids.map(checkRunId).toSorted())) {
    if (left <= 0) break;
    const points = await readHistory(pool, { run: run.number, key }, { after: null, limit: left });
    left -= points.values.length;
    if (points.values.length > 0) found.push(pointsJson(key, points, points.values.length, run.id));
  }
  return listJson(found);
}

function listJson(parts: readonly Buffer[]): Buffer {
  return Buffer.concat([
    LIST,
    ...parts.flatMap((part, index) => (index === 0 ? [part] : [COMMA, part])),
    Buffer.from("]}"),
  ]);
}

/** A view: of each run as many points as were asked for, evenly spread. */
async function onInterval({ pool }: TrackingParts, fields: Fields): Promise<Buffer> {
  const ids = fields.texts("run_ids");
  if (ids.length === 0) throw missingValue("run_ids");
  if (ids.length > LIMITS.historyRuns)
    throw invalid(
      `GetMetricHistoryBulkInterval request must specify at most ${LIMITS.historyRuns} run_ids. Received ${ids.length} run_ids.`,
    );
  const key = fields.requiredText("metric_key");
  const steps = readSteps(fields);
  const count = fields.integer("max_results") ?? LIMITS.samplePoints;
  if (count < 1 || count > LIMITS.samplePoints)
    throw invalid(`max_results must be between 1 and ${LIMITS.samplePoints}.`);
  const runs = await getRuns(pool, ids.map(checkRunId));
  const found = await Promise.all(
    runs.map(async ({ number, id }) => {
      const points = await sampleHistory(pool, { run: number, key }, steps, count);
      return pointsJson(key, points, points.values.length, id);
    }),
  );
  const metrics = found.filter((json) => json.length > 0);
  return metrics.length === 0 ? Buffer.from("{}") : listJson(metrics);
}

function readSteps(fields: Fields): StepRange | null {
  const first = fields.int64("start_step");
  const last = fields.int64("end_step");
  if (first === undefined && last === undefined) return null;
  if (first === undefined || last === undefined)
    throw invalid("If either start step or end step are specified, both must be specified.");
  if (first > last)
    throw invalid(`end_step must be greater than start_step. Found start_step=${first} and end_step=${last}.`);
  return { first, last };
}

function placeToken(shape: string, points: Points, index: number): string {
  const { timeMs, step, value } = placeAt(points, index);
  return makePageToken(shape, [String(timeMs), String(step), Object.is(value, -0) ? "-0" : String(value)]);
}

function placeAt({ timesMs, steps, values }: Points, index: number): Place {
  return { timeMs: timesMs[index]!, step: steps[index]!, value: values[index]! };
}

function readPlace(token: string | undefined, shape: string): Place | null {
  const after = readPageToken(token, shape, 3);
  if (after === null) return null;
  const [timeMs, step, value] = after as [string, string, string];
  if (!isInt64(timeMs) || !isInt64(step) || typeof value !== "string") throw invalidPageToken(token);
  return { timeMs: narrow(timeMs), step: narrow(step), value: Number(value) };
}

function narrow(text: string): Int64 {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}
