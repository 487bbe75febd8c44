import { noVersion } from "./core/name.ts";
import type { MlflowRoute } from "../tracking/index.ts";
import { actorOf } from "./actor.ts";
import { readTag, readTags, readVersion, searchOf, versionText } from "./model-api.ts";
import { findModel } from "./model-store.ts";
import type { Registry } from "./registry.ts";
import { searchJson, versionSearch } from "./search.ts";
import { findVersionJson, getVersion } from "./version-store.ts";

const VERSIONS_PER_PAGE = { min: 1, max: 200_000, fallback: 10_000 } as const;
const route = (method: MlflowRoute["method"], path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({
  method,
  path: `/model-versions/${path}`,
  answer,
});

/** Versions of models, as MLflow's clients know them. */
export function versionRoutes(registry: Registry): MlflowRoute[] {
  return [...readRoutes(registry), ...changeRoutes(registry)];
}

async function shown({ parts }: Registry, name: string, number: number, asked: string): Promise<string> {
  const json = await findVersionJson(parts.pool, name, number);
  if (json === undefined) throw noVersion(name, asked);
  return `{"model_version":${json}}`;
}

function readRoutes(registry: Registry): MlflowRoute[] {
  const { pool } = registry.parts;
  return [
    route("GET", "get", async (fields) => {
      const { name, version, number } = readVersion(fields);
      return shown(registry, name, number, version);
    }),
    route("GET", "search", async (fields) => {
      const search = searchOf(fields, VERSIONS_PER_PAGE);
      return searchJson(pool, "model_versions", versionSearch(search), search.limit);
    }),
    route("GET", "get-download-uri", async (fields) => {
      const { name, version, number } = readVersion(fields);
      const model = await findModel(pool, name);
      if (!model) throw noVersion(name, version);
      const { location } = await getVersion(pool, model, number, version);
      return { artifact_uri: location };
    }),
  ];
}

function changeRoutes(registry: Registry): MlflowRoute[] {
  const { versions, promotion } = registry;
  return [
    route("POST", "create", async (fields, request) => {
      const asked = {
        name: fields.requiredText("name"),
        source: fields.requiredText("source"),
        runId: fields.text("run_id") ?? "",
        modelId: fields.text("model_id") ?? "",
        runLink: fields.text("run_link") ?? "",
        description: fields.text("description") ?? "",
        tags: readTags(fields),
      };
      const number = await versions.create(asked, actorOf(request));
      return shown(registry, asked.name, number, String(number));
    }),
    route("PATCH", "update", async (fields, request) => {
      const { name, version, number } = readVersion(fields);
      await versions.describe(name, version, fields.text("description") ?? "", actorOf(request));
      return shown(registry, name, number, version);
    }),
    route("POST", "transition-stage", async (fields, request) => {
      const { name, version, number } = readVersion(fields);
      const archive = fields.boolean("archive_existing_versions") ?? false;
      await promotion.enterStage({ name, version, stage: fields.requiredText("stage"), archive }, actorOf(request));
      return shown(registry, name, number, version);
    }),
    route("DELETE", "delete", async (fields, request) => {
      const { name, version } = readVersion(fields);
      await versions.remove(name, version, actorOf(request));
      return undefined;
    }),
    route("POST", "set-tag", async (fields, request) => {
      await versions.setTag(fields.requiredText("name"), versionText(fields), readTag(fields), actorOf(request));
      return undefined;
    }),
    route("DELETE", "delete-tag", async (fields, request) => {
      const key = fields.requiredText("key");
      await versions.deleteTag(fields.requiredText("name"), versionText(fields), key, actorOf(request));
      return undefined;
    }),
  ];
}
