import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { absent, invalid, missingValue } from "./core/mlflow-error.ts";
import { checkLength, parseExperimentId } from "./core/name.ts";
import { correlationOf } from "./core/trace/correlation.ts";
import { checkTraceId, noTrace, readDeletion, readTraceInfo } from "./core/trace/trace.ts";
import type { TraceSearch } from "./core/trace/trace-search.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import {
  correlateTraces,
  deleteTraces,
  deleteTraceTag,
  getTraceInfo,
  getTraceInfos,
  getTraces,
  linkPrompts,
  linkTraces,
  searchTraces,
  setTraceTags,
  upsertTraces,
} from "./trace-store.ts";

type Answer = MlflowRoute["answer"];

/** Traces, as clients since MLflow 3 ask for them; older ones: trace-legacy-api.ts. */
export function traceRoutes({ pool }: TrackingParts): MlflowRoute[] {
  const route = (method: MlflowRoute["method"], path: string, answer: Answer): MlflowRoute => ({
    method,
    path: `/traces${path}`,
    versions: ["3.0"],
    answer,
  });
  const onDelete: Answer = async (fields) => ({ traces_deleted: await deleteTraces(pool, readDeletion(fields)) });
  const onTag: Answer = async (fields) => {
    const key = fields.requiredText("key");
    checkLength("Trace tag key", key, LIMITS.keyChars);
    await setTraceTags(pool, idOf(fields), { [key]: (fields.text("value") ?? "").slice(0, LIMITS.tagValueChars) });
    return undefined;
  };
  const onUntag: Answer = async (fields) => {
    await deleteTraceTag(pool, idOf(fields), fields.requiredText("key"));
    return undefined;
  };
  const onLink: Answer = async (fields) => {
    const ids = fields.texts("trace_ids");
    if (ids.length === 0) throw missingValue("trace_ids");
    await linkTraces(pool, ids.map(checkTraceId), fields.requiredText("run_id"));
    return undefined;
  };
  const onInfos: Answer = async (fields) => list("trace_infos", await getTraceInfos(pool, readIds(fields)));
  const onPrompts: Answer = async (fields) => {
    const prompts = fields.objects("prompt_versions").map(readPrompt);
    if (prompts.length > LIMITS.promptsPerTrace)
      throw invalid(`prompt_versions may name ${LIMITS.promptsPerTrace} versions, not ${prompts.length}`);
    await linkPrompts(pool, idOf(fields), prompts);
    return undefined;
  };
  const tags: MlflowRoute[] = (["2.0", "3.0"] as const).flatMap((version) => [
    { method: "PATCH", path: "/traces/:trace_id/tags", versions: [version], answer: onTag },
    { method: "DELETE", path: "/traces/:trace_id/tags", versions: [version], answer: onUntag },
    { method: "POST", path: "/traces/delete-traces", versions: [version], answer: onDelete },
    { method: "POST", path: "/traces/link-to-run", versions: [version], answer: onLink },
    { method: "POST", path: "/traces/link-prompts", versions: [version], answer: onPrompts },
  ]);
  return [
    ...tags,
    route("POST", "", async (fields) => {
      const info = fields.object("trace")?.object("trace_info");
      if (info === undefined) throw missingValue("trace");
      const read = readTraceInfo(info, Date.parse);
      await upsertTraces(pool, [read], true);
      return `{"trace":{"trace_info":${await getTraceInfo(pool, read.id)}}}`;
    }),
    route("GET", "/get", async (fields) => {
      const id = checkTraceId(fields.requiredText("trace_id"));
      const [trace] = await getTraces(pool, [id]);
      if (trace === undefined) throw absent(noTrace(id));
      return `{"trace":${trace}}`;
    }),
    route("GET", "/batchGet", async (fields) => list("traces", await getTraces(pool, readIds(fields)))),
    // 3.6 to 3.10 ask by GET, newer ones by POST.
    route("GET", "/batchGetInfos", onInfos),
    route("POST", "/batchGetInfos", onInfos),
    route("POST", "/calculate-filter-correlation", (fields) => onCorrelation(pool, fields)),
    route("POST", "/search", (fields) => searchTraces(pool, readSearch(fields))),
    route(
      "GET",
      "/:trace_id",
      async (fields) =>
        `{"trace":{"trace_info":${await getTraceInfo(pool, checkTraceId(fields.requiredText("trace_id")))}}}`,
    ),
  ];
}

/** Older clients call it the request's id. */
function idOf(fields: Fields): string {
  return checkTraceId(fields.requiredText("trace_id"));
}

async function onCorrelation(pool: TrackingParts["pool"], fields: Fields): Promise<object> {
  const ids = fields.texts("experiment_ids");
  if (ids.length === 0) throw missingValue("experiment_ids");
  const counts = await correlateTraces(pool, {
    experimentIds: ids.map(parseExperimentId),
    base: fields.text("base_filter") ?? "",
    first: fields.requiredText("filter_string1"),
    second: fields.requiredText("filter_string2"),
  });
  const { plain, smoothed } = correlationOf(counts);
  return {
    npmi: doubleJson(plain),
    npmi_smoothed: doubleJson(smoothed),
    filter1_count: counts.first,
    filter2_count: counts.second,
    joint_count: counts.both,
    total_count: counts.total,
  };
}

/** JSON has no NaN; protobuf reads it from text. */
function doubleJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** `name/version`, as filters compare it. */
function readPrompt(fields: Fields): string {
  const name = fields.requiredText("name");
  const version = fields.requiredText("version");
  if (name.includes("/") || version.includes("/") || name.length + version.length > LIMITS.promptNameChars)
    throw invalid(`Invalid prompt version '${name.slice(0, 100)}/${version.slice(0, 100)}'`);
  return `${name}/${version}`;
}

function readIds(fields: Fields): string[] {
  const ids = fields.texts("trace_ids");
  if (ids.length === 0) throw missingValue("trace_ids");
  if (ids.length > LIMITS.searchTraces)
    throw invalid(`trace_ids may name ${LIMITS.searchTraces} traces, not ${ids.length}`);
  return ids;
}

function readSearch(fields: Fields): TraceSearch {
  const locations = fields.objects("locations");
  if (locations.length === 0) throw missingValue("locations");
  return {
    experimentIds: locations.map((location) =>
      parseExperimentId(location.object("mlflow_experiment")?.requiredText("experiment_id") ?? ""),
    ),
    ...readPage(fields),
  };
}

/** What searches of all clients have. */
export function readPage(fields: Fields): Omit<TraceSearch, "experimentIds"> {
  return {
    filter: fields.text("filter") ?? "",
    orderBy: fields.texts("order_by"),
    limit: fields.within("max_results", { min: 1, max: LIMITS.searchTraces, fallback: LIMITS.searchTracesDefault }),
    pageToken: fields.text("page_token"),
  };
}

/** An empty list is left out. */
function list(name: string, rows: readonly string[]): string {
  return rows.length === 0 ? "{}" : `{"${name}":[${rows.join(",")}]}`;
}
