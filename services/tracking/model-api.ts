import { lastOfEach, readTag } from "./core/batch.ts";
import type { Fields } from "./core/fields.ts";
import { checkFilePath, joinPath } from "./core/file-path.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid, missingValue } from "./core/mlflow-error.ts";
import type { DatasetFilter, ModelOrder, ModelSearch } from "./core/model-search.ts";
import { checkKey, checkLength, cut, parseExperimentId } from "./core/name.ts";
import { makeRunName } from "./core/run-name.ts";
import { checkExperimentActive, getExperiment } from "./experiment-store.ts";
import { filesJson, listFiles } from "./file-store.ts";
import {
  addModelParams,
  createModel,
  deleteModel,
  deleteModelTag,
  getModel,
  getModelJson,
  searchModels,
  setModelStatus,
  setModelTags,
} from "./model-store.ts";
import { readEnum } from "./page.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { servable } from "./run-files-api.ts";

/** In protobuf's order from 1. */
const STATUSES = ["LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED"];
const PAGE_DEFAULT = 100;
const PAGE_MAX = 50_000;
const BAD_IN_NAME = /[/:.%"']/;

export function modelRoutes(parts: TrackingParts): MlflowRoute[] {
  const { pool, now } = parts;
  const one = "/logged-models/:model_id";
  const idOf = (fields: Fields): string => fields.requiredText("model_id");
  return [
    { method: "POST", path: "/logged-models", answer: (fields) => onCreate(parts, fields) },
    { method: "POST", path: "/logged-models/search", answer: (fields) => searchModels(pool, readSearch(fields)) },
    {
      method: "GET",
      path: one,
      answer: async (fields) =>
        `{"model":${await getModelJson(pool, idOf(fields), fields.boolean("allow_deleted") ?? false)}}`,
    },
    {
      method: "PATCH",
      path: one,
      answer: async (fields) => {
        const status = readEnum(fields, "status", STATUSES, 1);
        if (status === undefined) throw missingValue("status");
        await setModelStatus(pool, idOf(fields), { status, message: fields.text("status_message") ?? null }, now());
        return `{"model":${await getModelJson(pool, idOf(fields))}}`;
      },
    },
    {
      method: "DELETE",
      path: one,
      answer: async (fields) => {
        await deleteModel(pool, idOf(fields), now());
        return undefined;
      },
    },
    {
      method: "PATCH",
      path: `${one}/tags`,
      answer: async (fields) => {
        const { id } = await getModel(pool, idOf(fields));
        await setModelTags(pool, id, lastOfEach(fields.objects("tags").map(readTag)));
        return undefined;
      },
    },
    {
      method: "DELETE",
      path: `${one}/tags/:tag_key`,
      answer: async (fields) => {
        const { id } = await getModel(pool, idOf(fields));
        await deleteModelTag(pool, id, fields.requiredText("tag_key"));
        return undefined;
      },
    },
    { method: "POST", path: `${one}/params`, answer: (fields) => onParams(parts, fields) },
    { method: "GET", path: `${one}/artifacts/directories`, answer: (fields) => onFiles(parts, fields) },
  ];
}

async function onCreate({ pool, now, newId, random }: TrackingParts, fields: Fields): Promise<string> {
  const experimentId = parseExperimentId(fields.requiredText("experiment_id"));
  const name = fields.text("name") || makeRunName(random);
  checkLength("name", name, LIMITS.datasetNameChars);
  if (BAD_IN_NAME.test(name))
    throw invalid(
      `Invalid model name ('${name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    );
  const model = {
    id: `m-${newId()}`,
    experimentId,
    name,
    modelType: fields.text("model_type") ?? "",
    sourceRunId: fields.text("source_run_id") || null,
    params: lastOfEach(fields.objects("params").map(readParam)),
    tags: lastOfEach(fields.objects("tags").map(readTag)),
  };
  if (!(await createModel(pool, model, now()))) {
    checkExperimentActive(await getExperiment(pool, experimentId));
    throw invalid(`The experiment ${experimentId} was just restored: try again`);
  }
  return `{"model":${await getModelJson(pool, model.id)}}`;
}

async function onParams({ pool }: TrackingParts, fields: Fields): Promise<undefined> {
  const { id } = await getModel(pool, fields.requiredText("model_id"));
  const params = lastOfEach(fields.objects("params").map(readParam));
  const held = await addModelParams(pool, id, params);
  if (held !== null)
    throw invalid(
      `Changing param values is not allowed. Param with key='${held.key}' was already logged with value='${held.value}' for model ID='${id}'.`,
    );
  return undefined;
}

async function onFiles({ pool }: TrackingParts, fields: Fields): Promise<object> {
  const path = checkFilePath(fields.text("artifact_directory_path") ?? "");
  const { artifactUri } = await getModel(pool, fields.requiredText("model_id"));
  const files = filesJson(await listFiles(pool, joinPath(servable(artifactUri), path)), path);
  return { root_uri: artifactUri, ...(files.length === 0 ? {} : { files }) };
}

function readParam(fields: Fields): { readonly key: string; readonly value: string } {
  const key = checkKey(fields.requiredText("key"), fields.path("key"), "Param key");
  return { key, value: cut(fields.text("value") ?? "", LIMITS.paramValueChars) };
}

function readSearch(fields: Fields): ModelSearch {
  const experimentIds = fields.texts("experiment_ids").map(parseExperimentId);
  if (experimentIds.length === 0) throw missingValue("experiment_ids");
  return {
    experimentIds,
    filter: fields.text("filter") ?? "",
    datasets: fields.objects("datasets").map(readDataset),
    orderBy: fields.objects("order_by").map(readOrder),
    limit: fields.within("max_results", { min: 0, max: PAGE_MAX, fallback: PAGE_DEFAULT }) || PAGE_DEFAULT,
    pageToken: fields.text("page_token"),
  };
}

function readDataset(fields: Fields): DatasetFilter {
  const name = fields.text("dataset_name");
  if (!name) throw invalid("`dataset_name` in the `datasets` clause must be specified.");
  return { name, digest: fields.text("dataset_digest") || null };
}

function readOrder(fields: Fields): ModelOrder {
  const field = fields.text("field_name")?.trim();
  if (!field) throw invalid("`field_name` in the `order_by` clause must be specified.");
  const name = fields.text("dataset_name");
  if (fields.text("dataset_digest") && !name)
    throw invalid("`dataset_digest` can only be specified if `dataset_name` is also specified.");
  return { field, ascending: fields.boolean("ascending") ?? true, dataset: name ? readDataset(fields) : null };
}
