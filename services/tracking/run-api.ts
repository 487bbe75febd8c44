import type { FastifyRequest } from "fastify";
import type { AttemptFacts } from "../../lib/core/execution.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { attemptTags } from "./core/attempt-tags.ts";
import { type Batch, lastOfEach, readBatch, readMetric, readOneParam, readOneTag, readTag } from "./core/batch.ts";
import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid } from "./core/mlflow-error.ts";
import { checkRunId, parseExperimentId } from "./core/name.ts";
import { makeRunName } from "./core/run-name.ts";
import type { RunSearch } from "./core/run-search.ts";
import { checkExperimentActive, getExperiment } from "./experiment-store.ts";
import type { Ingest } from "./ingest.ts";
import { readEnum, readMaxResults, VIEWS } from "./page.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import {
  appendLoggedModel,
  createRun,
  deleteTag,
  getActiveRun,
  getRunJson,
  searchRuns,
  setRunDeleted,
  updateRun,
} from "./run-store.ts";

const STATUSES = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
const NAME_TAG = "mlflow.runName";

/** `attemptOf`: in which task the request was made. */
export function runRoutes(
  parts: TrackingParts,
  ingest: Ingest,
  attemptOf: (request: FastifyRequest) => Promise<AttemptFacts | undefined>,
): MlflowRoute[] {
  const { pool, now } = parts;
  const post = (path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({ method: "POST", path, answer });
  const log = (path: string, read: (fields: Fields) => Batch): MlflowRoute =>
    post(path, async (fields) => {
      await ingest.write(read(fields));
      return undefined;
    });
  return [
    post("/runs/create", async (fields, request) => onCreate(parts, fields, await attemptOf(request))),
    {
      method: "GET",
      path: "/runs/get",
      answer: async (fields) => `{"run":${await getRunJson(pool, fields.runId())}}`,
    },
    post("/runs/update", (fields) => onUpdate(parts, fields)),
    post("/runs/delete", async (fields) => {
      await setRunDeleted(pool, fields.runId(), true, now());
      return undefined;
    }),
    post("/runs/restore", async (fields) => {
      await setRunDeleted(pool, fields.runId(), false, now());
      return undefined;
    }),
    post("/runs/search", (fields) => searchRuns(pool, readSearch(fields))),
    log("/runs/log-metric", readMetric),
    log("/runs/log-parameter", readOneParam),
    log("/runs/set-tag", readOneTag),
    post("/runs/log-batch", async (fields, request) => {
      const bytes = Number(request.headers["content-length"] ?? 0);
      if (bytes > LIMITS.batchBytes)
        throw invalid(
          `Batched logging API requests must be at most ${LIMITS.batchBytes} bytes, got a request of size ${bytes}.`,
        );
      await ingest.write(readBatch(fields));
      return undefined;
    }),
    post("/runs/delete-tag", async (fields) => {
      const key = fields.requiredText("key");
      await deleteTag(pool, await getActiveRun(pool, fields.runId()), key);
      return undefined;
    }),
    post("/runs/log-model", (fields) => onLogModel(parts, fields)),
  ];
}

/** A run that is made in a task is the task's: it says so, and ends with it. */
async function onCreate(
  { pool, now, newId, random }: TrackingParts,
  fields: Fields,
  facts: AttemptFacts | undefined,
): Promise<string> {
  const experimentId = parseExperimentId(fields.text("experiment_id") || "0");
  const given = lastOfEach(fields.objects("tags").map(readTag));
  const named = given.find(({ key }) => key === NAME_TAG)?.value;
  const wanted = fields.text("run_name");
  if (wanted && named && wanted !== named)
    throw invalid(
      `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${wanted}', mlflow.runName='${named}').`,
    );
  const name = wanted || named || makeRunName(random);
  const tags = lastOfEach([...(facts ? attemptTags(facts) : []), ...given, { key: NAME_TAG, value: named || name }]);
  const json = await createRun(pool, {
    id: newId(),
    experimentId,
    name,
    userId: fields.text("user_id") ?? "",
    startMs: fields.integer("start_time") ?? now(),
    tags,
    attempt: facts === undefined ? null : attemptKey(facts.ref),
  });
  if (json !== undefined) return `{"run":${json}}`;
  checkExperimentActive(await getExperiment(pool, experimentId));
  throw invalid(`The experiment ${experimentId} was just restored: try again`);
}

async function onUpdate({ pool }: TrackingParts, fields: Fields): Promise<string> {
  const id = checkRunId(fields.runId());
  const status = readEnum(fields, "status", STATUSES, 1);
  const to = { status, endMs: fields.integer("end_time"), name: fields.text("run_name") || undefined };
  const json = await inTransaction(pool, async (client) => updateRun(client, await getActiveRun(client, id), to));
  return `{"run_info":${json}}`;
}

async function onLogModel({ pool }: TrackingParts, fields: Fields): Promise<undefined> {
  const id = checkRunId(fields.requiredText("run_id"));
  const json = fields.requiredText("model_json");
  const model = parseModel(json);
  const missing = ["artifact_path", "flavors", "utc_time_created", "run_id"].filter((name) => !(name in model));
  if (missing.length > 0)
    throw invalid(`Model json is missing mandatory fields: {${missing.map((one) => `'${one}'`).join(", ")}}`);
  const kept = Object.fromEntries(
    ["run_id", "utc_time_created", "artifact_path", "model_uuid", "flavors"]
      .filter((name) => name in model)
      .map((name) => [name, model[name]]),
  );
  await inTransaction(pool, async (client) => appendLoggedModel(client, await getActiveRun(client, id), kept));
  return undefined;
}

function parseModel(json: string): Record<string, unknown> {
  try {
    const model: unknown = JSON.parse(json);
    if (typeof model === "object" && model !== null && !Array.isArray(model)) return model as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw invalid(`Malformed model info. \n ${json} \n is not a valid JSON.`);
}

function readSearch(fields: Fields): RunSearch {
  return {
    experimentIds: fields.texts("experiment_ids").map(parseExperimentId),
    view: (readEnum(fields, "run_view_type", VIEWS, 1) ?? "ACTIVE_ONLY") as RunSearch["view"],
    filter: fields.text("filter") ?? "",
    orderBy: fields.texts("order_by"),
    limit: readMaxResults(fields),
    pageToken: fields.text("page_token"),
  };
}
