import { WeftError } from "../../lib/core/error.ts";
import { listAliases, usesOf } from "./alias-store.ts";
import { checkLength, checkModelName, checkTag, checkTagKey, parseVersion, REGISTRY_LIMITS } from "./core/name.ts";
import { checkPromptSource } from "./core/source.ts";
import type { Desk, Work } from "./desk.ts";
import { lockModel, type ModelRow, PROMPT_TAG, type Tag, touchModel } from "./model-store.ts";
import { isPrompt } from "./models.ts";
import { findOrigin, type Origin } from "./origin.ts";
import type { Actor } from "./parts.ts";
import { pinVersion, unpinVersions } from "./pin.ts";
import {
  deleteVersionTag,
  describeVersion,
  getVersion,
  insertVersion,
  removeVersion,
  setVersionTags,
  type VersionRow,
} from "./version-store.ts";

export interface AskedVersion {
  readonly name: string;
  readonly source: string;
  readonly runId: string;
  readonly modelId: string;
  readonly runLink: string;
  readonly description: string;
  readonly tags: readonly Tag[];
}

const PROMPT_TEXT_TAG = "mlflow.prompt.text";
const PROMPT_TYPE_TAG = "_mlflow_prompt_type";

/** Versions of models: registered, described, tagged, deleted. Errors: `invalid`, `not_found`, `failed_precondition` (in use). */
export class Versions {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Number of the version. What its source holds now is what it holds for ever. */
  async create(asked: AskedVersion, by: Actor): Promise<number> {
    checkModelName(asked.name);
    checkLength("description", asked.description, REGISTRY_LIMITS.descriptionChars);
    for (const { key, value } of asked.tags) checkTag(key, value);
    const prompt = isPrompt(asked.tags);
    if (prompt) checkPromptSource(asked.source);
    const { parts } = this.#desk;
    const origin = prompt ? promptOrigin(asked) : await findOrigin(parts, asked);
    const uid = parts.newId();
    return this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, asked.name);
      const { folder } = origin;
      const location = folder ? await pinVersion(work.client, uid, folder.files, work.nowMs) : origin.location;
      const version = await insertVersion(
        work.client,
        {
          model: model.id,
          uid,
          source: origin.source,
          location,
          runId: origin.runId,
          runLink: asked.runLink,
          modelId: origin.modelId,
          digest: folder?.digest ?? null,
          files: folder?.files.length ?? 0,
          bytes: folder?.bytes ?? 0,
          facts: origin.facts,
          createdBy: by,
          description: asked.description,
        },
        asked.tags,
        work.nowMs,
      );
      await tellCreated(work, { asked, origin, uid, version, prompt });
      return version;
    });
  }

  async describe(name: string, version: string, description: string, by: Actor): Promise<void> {
    checkLength("description", description, REGISTRY_LIMITS.descriptionChars);
    await this.#change(name, version, by, async (work, model, { version: number }) => {
      await describeVersion(work.client, { model: model.id, version: number }, description, work.nowMs);
      await work.tell(changeOf(model, number, "UPDATED", { description }));
    });
  }

  async setTag(name: string, version: string, tag: Tag, by: Actor): Promise<void> {
    checkTag(tag.key, tag.value);
    await this.#change(name, version, by, async (work, model, { version: number }) => {
      await setVersionTags(work.client, { model: model.id, version: number }, [tag]);
      await work.tell({ ...changeOf(model, number, "SET", { ...tag }), entity: "version_tag" });
    });
  }

  async deleteTag(name: string, version: string, key: string, by: Actor): Promise<void> {
    checkTagKey(key);
    await this.#change(name, version, by, async (work, model, { version: number }) => {
      if (!(await deleteVersionTag(work.client, { model: model.id, version: number }, key))) return;
      await work.tell({ ...changeOf(model, number, "DELETED", { key }), entity: "version_tag" });
    });
  }

  /** Its row stays, and its number is not given again. */
  async remove(name: string, version: string, by: Actor): Promise<void> {
    await this.#change(name, version, by, async (work, model, row) => {
      if (!model.isPrompt) await checkUnused(work, model, row);
      await unpinVersions(work.client, [row.uid]);
      await removeVersion(work.client, row, work.nowMs);
      await touchModel(work.client, model.id, work.nowMs);
      await work.tell(changeOf(model, row.version, "DELETED", {}, { uid: row.uid, digest: row.digest }));
    });
  }

  async #change(
    name: string,
    version: string,
    by: Actor,
    change: (work: Work, model: ModelRow, row: VersionRow) => Promise<void>,
  ): Promise<void> {
    checkModelName(name);
    const number = parseVersion(version);
    await this.#desk.change(by, async (work) => {
      const model = await lockVersions(work, name, version);
      await change(work, model, await getVersion(work.client, model, number, version));
    });
  }
}

/** Of a version whose model is not there MLflow says that there is no such version. */
export async function lockVersions(work: Work, name: string, version: string): Promise<ModelRow> {
  try {
    return await lockModel(work.client, name);
  } catch (cause) {
    if (!(cause instanceof WeftError) || cause.code !== "not_found") throw cause;
    throw new WeftError("not_found", `Model Version (name=${name}, version=${version}) not found`, { cause });
  }
}

function promptOrigin({ source, runId, modelId }: AskedVersion): Origin {
  const lineage = { runId, modelId, experimentId: "", attempt: "", commit: "", datasets: [] };
  const facts = { signature: null, inputExample: null, environment: [], flavors: [], params: {}, metrics: {}, lineage };
  return { source, location: source, runId, modelId, folder: null, facts };
}

function changeOf(
  { name, isPrompt: prompt }: ModelRow,
  version: number,
  action: "UPDATED" | "DELETED" | "SET",
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  const told = { name, version: String(version), ...data };
  return { entity: "version", action, model: name, isPrompt: prompt, data: told, more } as const;
}

async function tellCreated(
  work: Work,
  made: {
    readonly asked: AskedVersion;
    readonly origin: Origin;
    readonly uid: string;
    readonly version: number;
    readonly prompt: boolean;
  },
): Promise<void> {
  const { asked, origin, uid, version, prompt } = made;
  const tags = Object.fromEntries(asked.tags.map(({ key, value }) => [key, value]));
  const description = asked.description === "" ? null : asked.description;
  const { [PROMPT_TAG]: _prompt, [PROMPT_TYPE_TAG]: _type, [PROMPT_TEXT_TAG]: template, ...others } = tags;
  const head = { name: asked.name, version: String(version) };
  await work.tell({
    entity: "version",
    action: "CREATED",
    model: asked.name,
    isPrompt: prompt,
    data: prompt
      ? { ...head, template: template ?? null, tags: others, description }
      : { ...head, source: origin.source, run_id: origin.runId === "" ? null : origin.runId, tags, description },
    more: { uid, digest: origin.folder?.digest ?? null },
  });
}

async function checkUnused(work: Work, model: ModelRow, { version }: VersionRow): Promise<void> {
  const head = `Model Version (name=${model.name}, version=${version}) is in use`;
  const aliases = (await listAliases(work.client, model.id)).filter((alias) => alias.version === version);
  if (aliases.length > 0) {
    const names = aliases.map(({ alias }) => alias).join(", ");
    throw new WeftError(
      "failed_precondition",
      `${head}: the alias ${names} points at it. Point it at another version, or delete the alias, first`,
    );
  }
  const [use] = await usesOf(work.client, model.id, version);
  if (use) throw new WeftError("failed_precondition", `${head}: ${use.user} needs it`);
}
