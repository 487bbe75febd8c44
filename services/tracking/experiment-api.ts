import { lastOfEach } from "./core/batch.ts";
import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { absent, invalid } from "./core/mlflow-error.ts";
import { checkExperimentName, checkKey, checkLength, parseExperimentId } from "./core/name.ts";
import {
  checkExperimentActive,
  createExperiment,
  deleteExperimentTag,
  findExperiment,
  getExperiment,
  renameExperiment,
  searchExperiments,
  setExperimentDeleted,
  setExperimentTags,
  type Tag,
} from "./experiment-store.ts";
import { readEnum, readMaxResults, VIEWS } from "./page.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";

export function experimentRoutes({ pool, now }: TrackingParts): MlflowRoute[] {
  const idOf = (fields: Fields): string => parseExperimentId(fields.requiredText("experiment_id"));
  const active = async (fields: Fields): Promise<string> => {
    const found = await getExperiment(pool, idOf(fields));
    checkExperimentActive(found);
    return found.id;
  };
  const post = (path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({ method: "POST", path, answer });
  const search: MlflowRoute["answer"] = (fields) =>
    searchExperiments(pool, {
      view: (readEnum(fields, "view_type", VIEWS, 1) ?? "ACTIVE_ONLY") as "ALL",
      filter: fields.text("filter") ?? "",
      orderBy: fields.texts("order_by"),
      limit: readMaxResults(fields),
      pageToken: fields.text("page_token"),
    });
  return [
    post("/experiments/search", search),
    { method: "GET", path: "/experiments/search", answer: search },
    post("/experiments/create", async (fields) => {
      const name = checkExperimentName(fields.requiredText("name"));
      const artifactLocation = checkLocation(fields.text("artifact_location") ?? "");
      const tags = lastOfEach(fields.objects("tags").map(readExperimentTag));
      return { experiment_id: await createExperiment(pool, { name, artifactLocation, tags }, now()) };
    }),
    {
      method: "GET",
      path: "/experiments/get",
      answer: async (fields) => `{"experiment":${(await getExperiment(pool, idOf(fields))).json}}`,
    },
    {
      method: "GET",
      path: "/experiments/get-by-name",
      answer: async (fields) => {
        const name = fields.requiredText("experiment_name");
        const found = await findExperiment(pool, { name });
        if (found === undefined) throw absent(`Could not find experiment with name '${name}'`);
        return `{"experiment":${found.json}}`;
      },
    },
    post("/experiments/update", async (fields) => {
      const id = idOf(fields);
      await renameExperiment(pool, id, checkExperimentName(fields.requiredText("new_name")), now());
      return undefined;
    }),
    post("/experiments/delete", async (fields) => {
      await setExperimentDeleted(pool, idOf(fields), true, now());
      return undefined;
    }),
    post("/experiments/restore", async (fields) => {
      await setExperimentDeleted(pool, idOf(fields), false, now());
      return undefined;
    }),
    post("/experiments/set-experiment-tag", async (fields) => {
      const tag = readExperimentTag(fields);
      await setExperimentTags(pool, await active(fields), [tag]);
      return undefined;
    }),
    post("/experiments/delete-experiment-tag", async (fields) => {
      const key = fields.requiredText("key");
      await deleteExperimentTag(pool, await active(fields), key);
      return undefined;
    }),
  ];
}

function readExperimentTag(fields: Fields): Tag {
  const key = checkKey(fields.requiredText("key"), fields.path("key"), "key");
  const value = fields.text("value") ?? "";
  checkLength("value", value, LIMITS.experimentTagValueChars);
  return { key, value };
}

/** Any URI that a client's own artifact repository may know; ours is `mlflow-artifacts:`. */
function checkLocation(uri: string): string {
  checkLength("artifact_location", uri, LIMITS.artifactLocationChars);
  if (uri.startsWith("runs:")) throw invalid(`Artifact location cannot be a runs:/ URI. Given: '${uri}'`);
  if (/[?#]/.test(uri) || /(^|\/)\.\.(\/|$)/.test(decoded(uri)))
    throw invalid(`Invalid artifact location '${uri}': it must not hold '..', '?' or '#'`);
  return uri.replace(/\/+$/, "");
}

function decoded(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
