import { inTransaction } from "../../lib/db.ts";
import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid, missingValue } from "./core/mlflow-error.ts";
import { checkLength, checkRunId, parseExperimentId } from "./core/name.ts";
import { addDatasets, addModels, type DatasetInput, searchDatasets } from "./dataset-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { getActiveRun } from "./run-store.ts";

/** What a run read and made. */
export function datasetRoutes({ pool }: TrackingParts): MlflowRoute[] {
  const post = (path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({ method: "POST", path, answer });
  return [
    post("/runs/log-inputs", async (fields) => {
      const id = checkRunId(fields.runId());
      const datasets = readDatasets(fields);
      const models = readModels(fields);
      await inTransaction(pool, async (client) => {
        const run = await getActiveRun(client, id);
        await addDatasets(client, run, datasets);
        await addModels(client, run, "input", models);
      });
      return undefined;
    }),
    post("/runs/outputs", async (fields) => {
      const id = checkRunId(fields.runId());
      const models = readModels(fields);
      if (!fields.has("models")) throw missingValue("models");
      await addModels(pool, await getActiveRun(pool, id), "output", models);
      return undefined;
    }),
    post("/experiments/search-datasets", async (fields) => {
      const ids = fields.texts("experiment_ids");
      if (ids.length === 0) throw invalid("SearchDatasets request must specify at least one experiment_id.");
      if (ids.length > LIMITS.datasetExperiments)
        throw invalid(
          `SearchDatasets request cannot specify more than ${LIMITS.datasetExperiments} experiment_ids. Received ${ids.length} experiment_ids.`,
        );
      return searchDatasets(pool, ids.map(parseExperimentId));
    }),
  ];
}

function readModels(fields: Fields): { readonly id: string; readonly step: string }[] {
  return fields.objects("models").map((model) => ({
    id: model.requiredText("model_id"),
    step: String(model.int64("step") ?? 0),
  }));
}

function readDatasets(fields: Fields): DatasetInput[] {
  const inputs = fields.objects("datasets");
  if (inputs.length > LIMITS.datasetsPerRequest)
    throw invalid(
      `A request can log at most ${LIMITS.datasetsPerRequest} datasets. Got ${inputs.length}. Please split them up across multiple requests.`,
    );
  return inputs.map((input) => {
    const tags = input.objects("tags").map((tag) => {
      const key = tag.requiredText("key");
      const value = tag.text("value") ?? "";
      checkLength("InputTag key", key, LIMITS.inputTagKeyChars);
      checkLength("InputTag value", value, LIMITS.inputTagValueChars);
      return [key, value] as const;
    });
    return { ...readDataset(input.object("dataset")), tags: Object.fromEntries(tags) };
  });
}

function readDataset(dataset: Fields | undefined): Omit<DatasetInput, "tags"> {
  if (dataset === undefined) throw invalid("Dataset cannot be None");
  const needed = (name: string, charsMax: number): string => {
    const value = dataset.text(name);
    if (value === undefined || (value === "" && name !== "source")) throw missingValue(dataset.path(name));
    checkLength(`Dataset ${name}`, value, charsMax);
    return value;
  };
  const optional = (name: string, charsMax: number): string | null => {
    const value = dataset.text(name) ?? null;
    if (value !== null) checkLength(`Dataset ${name}`, value, charsMax);
    return value;
  };
  return {
    name: needed("name", LIMITS.datasetNameChars),
    digest: needed("digest", LIMITS.datasetDigestChars),
    sourceType: needed("source_type", LIMITS.datasetNameChars),
    source: needed("source", LIMITS.datasetSourceChars),
    schema: optional("schema", LIMITS.datasetSchemaChars),
    profile: optional("profile", LIMITS.datasetProfileChars),
  };
}
