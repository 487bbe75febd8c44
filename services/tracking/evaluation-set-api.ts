import type { Fields } from "./core/fields.ts";
import { checkRecords, readJsonTags } from "./core/evaluation-set.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid } from "./core/mlflow-error.ts";
import { checkLength, parseExperimentId } from "./core/name.ts";
import { invalidPageToken, isInt64, makePageToken, readPageToken } from "./core/page-token.ts";
import { deleteRecords, listRecords, upsertRecords } from "./evaluation-record-store.ts";
import {
  createEvaluationSet,
  deleteEvaluationSet,
  deleteEvaluationSetTag,
  experimentsOfSet,
  getEvaluationSet,
  joinExperiments,
  leaveExperiments,
  searchEvaluationSets,
  setEvaluationSetTags,
} from "./evaluation-set-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";

type Answer = MlflowRoute["answer"];

const RECORDS_PER_PAGE = { min: 1, max: LIMITS.evaluationRecords, fallback: 1_000 } as const;
const SETS_PER_PAGE = { min: 1, max: LIMITS.evaluationSets, fallback: LIMITS.evaluationSets } as const;
const RECORDS_SHAPE = "records";

const idOf = (fields: Fields): string => fields.requiredText("dataset_id");

/** Evaluation data sets, as `mlflow.genai.datasets` knows them. */
export function evaluationSetRoutes(parts: TrackingParts): MlflowRoute[] {
  const route = (method: MlflowRoute["method"], path: string, answer: Answer): MlflowRoute => ({
    method,
    path: `/datasets${path}`,
    versions: ["3.0"],
    answer,
  });
  return [...setRoutes(parts, route), ...recordRoutes(parts, route)];
}

type Route = (method: MlflowRoute["method"], path: string, answer: Answer) => MlflowRoute;

function setRoutes({ pool, now, newId }: TrackingParts, route: Route): MlflowRoute[] {
  const shown = async (id: string): Promise<string> => `{"dataset":${await getEvaluationSet(pool, id)}}`;
  const search: Answer = (fields) =>
    searchEvaluationSets(pool, {
      experimentIds: readExperiments(fields),
      filter: fields.text("filter_string") ?? "",
      orderBy: fields.texts("order_by"),
      limit: fields.within("max_results", SETS_PER_PAGE),
      pageToken: fields.text("page_token"),
    });
  return [
    route("POST", "/create", async (fields) => {
      const name = fields.requiredText("name");
      checkLength("name", name, LIMITS.evaluationSetNameChars);
      const id = `d-${newId()}`;
      const tags = readJsonTags(fields.text("tags") || "{}");
      await createEvaluationSet(pool, { id, name, tags, experimentIds: readExperiments(fields) }, now());
      return shown(id);
    }),
    route("POST", "/search", search),
    route("GET", "/search", search),
    route("GET", "/:dataset_id", (fields) => shown(idOf(fields))),
    route("DELETE", "/:dataset_id", async (fields) => {
      await deleteEvaluationSet(pool, idOf(fields));
      return undefined;
    }),
    route("PATCH", "/:dataset_id/tags", async (fields) => {
      await setEvaluationSetTags(pool, idOf(fields), readJsonTags(fields.requiredText("tags")));
      return undefined;
    }),
    route("DELETE", "/:dataset_id/tags/:key", async (fields) => {
      await deleteEvaluationSetTag(pool, idOf(fields), fields.requiredText("key"));
      return undefined;
    }),
    route("GET", "/:dataset_id/experiment-ids", async (fields) => {
      const ids = await experimentsOfSet(pool, idOf(fields));
      return ids.length === 0 ? {} : { experiment_ids: ids };
    }),
    route("POST", "/:dataset_id/add-experiments", async (fields) => {
      await joinExperiments(pool, idOf(fields), readExperiments(fields), now());
      return shown(idOf(fields));
    }),
    route("POST", "/:dataset_id/remove-experiments", async (fields) => {
      await leaveExperiments(pool, idOf(fields), readExperiments(fields), now());
      return shown(idOf(fields));
    }),
  ];
}

function recordRoutes({ pool, now }: TrackingParts, route: Route): MlflowRoute[] {
  return [
    route("POST", "/:dataset_id/records", async (fields) => {
      const records = checkRecords(fields.requiredText("records"));
      const { inserted, updated } = await upsertRecords(pool, idOf(fields), records, now());
      return { inserted_count: inserted, updated_count: updated };
    }),
    route("GET", "/:dataset_id/records", async (fields) => {
      const limit = fields.within("max_results", RECORDS_PER_PAGE);
      const after = readPageToken(fields.text("page_token"), RECORDS_SHAPE, 1)?.[0] ?? "0";
      if (!isInt64(after)) throw invalidPageToken();
      const found = await listRecords(pool, idOf(fields), { after, limit });
      const page = found.slice(0, limit);
      const more = found.length > limit;
      return {
        records: `[${page.map(({ json }) => json).join(",")}]`,
        ...(more ? { next_page_token: makePageToken(RECORDS_SHAPE, [page.at(-1)!.place]) } : {}),
      };
    }),
    route("DELETE", "/:dataset_id/records", async (fields) => {
      const ids = fields.texts("dataset_record_ids");
      return { deleted_count: await deleteRecords(pool, idOf(fields), ids, now()) };
    }),
  ];
}

function readExperiments(fields: Fields): string[] {
  const ids = [...new Set(fields.texts("experiment_ids").map(parseExperimentId))];
  if (ids.length > LIMITS.evaluationSetExperiments)
    throw invalid(`experiment_ids may name ${LIMITS.evaluationSetExperiments} experiments, not ${ids.length}`);
  return ids;
}
