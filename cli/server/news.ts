import type { ClientBase } from "pg";
import { type News, recordNews } from "../../scheduler/trigger/news.ts";
import type { DataChange } from "../../services/artifacts/index.ts";
import type { RegistryChange } from "../../services/registry/index.ts";

/** A change of a data set, for the triggers that wait for it. */
export function tellData(client: ClientBase, { version: of, tag, atMs }: DataChange): Promise<void> {
  const { name, version, digest } = of;
  const watched = `dataset:${name}`;
  const content = `${watched}@${version}`;
  const values = { data: { name, version, tag, digest } };
  return recordNews(client, [newsOf({ watched, selector: tag, content, atMs, values })]);
}

/** The same of a registered model. */
export async function tellModel(
  client: ClientBase,
  { entity, action, model, isPrompt, data }: RegistryChange,
  atMs: number,
): Promise<void> {
  if (isPrompt || action !== "CREATED" || (entity !== "version" && entity !== "alias")) return;
  const version = Number(data["version"]);
  const alias = entity === "alias" ? String(data["alias"]) : null;
  const watched = `model:${model}`;
  const values = { model: { name: model, version, alias } };
  await recordNews(client, [newsOf({ watched, selector: alias, content: `model:${model}/${version}`, atMs, values })]);
}

/** A version comes once. A tag may come back to one where it was: each move is an event of its own. */
function newsOf(
  of: Pick<News, "watched" | "content" | "atMs" | "values"> & { readonly selector: string | null },
): News {
  const { selector, ...news } = of;
  if (selector === null) return { ...news, from: news.watched, event: news.content };
  const from = `${news.watched}@${selector}`;
  return { ...news, from, event: `${from} is ${news.content} ${news.atMs}` };
}
