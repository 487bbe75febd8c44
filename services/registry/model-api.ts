import { canonicalStage, checkAlias, checkModelName, noVersion, parseVersion, STAGES } from "./core/name.ts";
import { type Fields, type MlflowRoute, invalid } from "../tracking/index.ts";
import { actorOf } from "./actor.ts";
import { getModel, modelJson, type Tag } from "./model-store.ts";
import { alreadyExists, jsonList } from "./mlflow-json.ts";
import type { Registry } from "./registry.ts";
import { resolveAlias } from "./resolve.ts";
import { modelSearch, type Search, searchJson } from "./search.ts";
import { findVersionJson, latestVersions } from "./version-store.ts";

const MODELS_PER_PAGE = { min: 1, max: 1_000, fallback: 100 } as const;
const route = (method: MlflowRoute["method"], path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({
  method,
  path: `/registered-models/${path}`,
  answer,
});

const nameOf = (fields: Fields): string => fields.requiredText("name");

/** Registered models and their aliases, as MLflow's clients know them. */
export function modelRoutes(registry: Registry): MlflowRoute[] {
  return [...ownRoutes(registry), ...tagRoutes(registry), ...aliasRoutes(registry)];
}

function ownRoutes({ parts, models }: Registry): MlflowRoute[] {
  const { pool } = parts;
  const shown = async (name: string): Promise<string> => `{"registered_model":${await modelJson(pool, name)}}`;
  const latest: MlflowRoute["answer"] = async (fields) => {
    const stages = fields.texts("stages").map(canonicalStage);
    const model = await getModel(pool, checkModelName(nameOf(fields)));
    const found = await latestVersions(pool, model.id, stages.length === 0 ? STAGES : stages);
    return jsonList(
      "model_versions",
      found.map(({ json }) => json),
    );
  };
  return [
    route("POST", "create", async (fields, request) => {
      const name = nameOf(fields);
      const given = { name, description: fields.text("description") ?? "", tags: readTags(fields) };
      await models.create(given, actorOf(request)).catch(alreadyExists);
      return shown(name);
    }),
    route("GET", "get", async (fields) => shown(checkModelName(nameOf(fields)))),
    route("POST", "rename", async (fields, request) => {
      const newName = fields.requiredText("new_name");
      await models.rename(nameOf(fields), newName, actorOf(request)).catch(alreadyExists);
      return shown(newName);
    }),
    route("PATCH", "update", async (fields, request) => {
      await models.describe(nameOf(fields), fields.text("description") ?? "", actorOf(request));
      return shown(nameOf(fields));
    }),
    route("DELETE", "delete", async (fields, request) => {
      await models.remove(nameOf(fields), actorOf(request));
      return undefined;
    }),
    route("GET", "search", async (fields) => {
      const search = searchOf(fields, MODELS_PER_PAGE);
      return searchJson(pool, "registered_models", modelSearch(search), search.limit);
    }),
    route("POST", "get-latest-versions", latest),
    route("GET", "get-latest-versions", latest),
  ];
}

function tagRoutes({ models }: Registry): MlflowRoute[] {
  return [
    route("POST", "set-tag", async (fields, request) => {
      await models.setTag(nameOf(fields), readTag(fields), actorOf(request));
      return undefined;
    }),
    route("DELETE", "delete-tag", async (fields, request) => {
      await models.deleteTag(nameOf(fields), fields.requiredText("key"), actorOf(request));
      return undefined;
    }),
  ];
}

function aliasRoutes({ parts, promotion }: Registry): MlflowRoute[] {
  const { pool } = parts;
  return [
    route("POST", "alias", async (fields, request) => {
      const asked = {
        name: nameOf(fields),
        alias: fields.requiredText("alias"),
        version: fields.requiredText("version"),
      };
      await promotion.promote({ ...asked, reason: "", note: "" }, actorOf(request));
      return undefined;
    }),
    route("DELETE", "alias", async (fields, request) => {
      await promotion.removeAlias(nameOf(fields), fields.requiredText("alias"), actorOf(request));
      return undefined;
    }),
    route("GET", "alias", async (fields) => {
      const alias = checkAlias(fields.requiredText("alias"), { reading: true });
      const model = await getModel(pool, checkModelName(nameOf(fields)));
      const version = await resolveAlias(pool, model, alias);
      const json = await findVersionJson(pool, model.name, version);
      if (json === undefined) throw noVersion(model.name, version);
      return `{"model_version":${json}}`;
    }),
  ];
}

/** Name and version of a request; the version as a number, 0 for one that there cannot be. */
export function readVersion(fields: Fields): {
  readonly name: string;
  readonly version: string;
  readonly number: number;
} {
  const name = checkModelName(fields.requiredText("name"));
  const version = versionText(fields);
  return { name, version, number: parseVersion(version) };
}

/** Clients send it as text; scripts also as a number. */
export function versionText(fields: Fields): string {
  const raw = fields.raw("version");
  return typeof raw === "number" ? String(raw) : fields.requiredText("version");
}

export function readTags(fields: Fields): Tag[] {
  return fields.objects("tags").map(readTag);
}

export function readTag(fields: Fields): Tag {
  return { key: fields.requiredText("key"), value: fields.text("value") ?? "" };
}

export function searchOf(
  fields: Fields,
  limits: { readonly min: number; readonly max: number; readonly fallback: number },
): Search {
  const asked = fields.integer("max_results");
  if (asked !== undefined && asked > limits.max)
    throw invalid(
      `Invalid value for request parameter max_results. It must be at most ${limits.max}, but got value ${asked}`,
    );
  return {
    filter: fields.text("filter") ?? "",
    orderBy: fields.texts("order_by"),
    limit: fields.within("max_results", limits),
    pageToken: fields.text("page_token") ?? "",
  };
}
