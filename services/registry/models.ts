import { WeftError } from "../../lib/core/error.ts";
import { listAliases, usesOf } from "./alias-store.ts";
import { gatesLost } from "./core/gate.ts";
import { checkLength, checkModelName, checkTag, checkTagKey, invalid, REGISTRY_LIMITS } from "./core/name.ts";
import type { Desk, Work } from "./desk.ts";
import { currentGates } from "./evaluation-store.ts";
import {
  deleteModelTag,
  describeModel,
  findModel,
  insertModel,
  lockModel,
  type ModelRow,
  PROMPT_TAG,
  removeModel,
  renameModel,
  setModelTags,
  type Tag,
} from "./model-store.ts";
import type { Actor } from "./parts.ts";
import { unpinVersions } from "./pin.ts";
import { uidsOf } from "./version-store.ts";

/** Registered models: made, renamed, described, tagged, deleted. Errors: `invalid`, `not_found`, `conflict` (the name is taken). */
export class Models {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async create(
    given: { readonly name: string; readonly description: string; readonly tags: readonly Tag[] },
    by: Actor,
  ): Promise<void> {
    const { name, description, tags } = given;
    checkModelName(name);
    checkLength("description", description, REGISTRY_LIMITS.descriptionChars);
    for (const { key, value } of tags) checkTag(key, value);
    await this.#desk.change(by, async (work) => {
      const id = await insertModel(work.client, given, work.nowMs);
      if (id === undefined) throw await taken(work, name, isPrompt(tags));
      await tellCreated(work, given);
    });
  }

  async rename(name: string, newName: string, by: Actor): Promise<void> {
    checkModelName(newName, "new_name");
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      if (!model.isPrompt) await checkStaysGated(work, name, newName);
      if (!(await renameModel(work.client, model.id, newName, work.nowMs)))
        throw new WeftError("conflict", `Registered Model (name=${newName}) already exists.`);
      await work.tell(changeOf(model, "UPDATED", { name: newName }, { was: name }));
    });
  }

  async describe(name: string, description: string, by: Actor): Promise<void> {
    checkLength("description", description, REGISTRY_LIMITS.descriptionChars);
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      await describeModel(work.client, model.id, description, work.nowMs);
      await work.tell(changeOf(model, "UPDATED", { name, description }));
    });
  }

  async remove(name: string, by: Actor): Promise<void> {
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      if (!model.isPrompt) await checkUnused(work, model);
      await unpinVersions(work.client, await uidsOf(work.client, model.id));
      await removeModel(work.client, model.id, work.nowMs);
      await work.tell(changeOf(model, "DELETED", { name }));
    });
  }

  async setTag(name: string, tag: Tag, by: Actor): Promise<void> {
    checkModelName(name);
    checkTag(tag.key, tag.value);
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      if (tag.key === PROMPT_TAG) checkKind(model, isPrompt([tag]));
      await setModelTags(work.client, model.id, [tag]);
      const change = changeOf(model, "SET", { name, ...tag });
      await work.tell({ ...change, entity: "model_tag" });
    });
  }

  async deleteTag(name: string, key: string, by: Actor): Promise<void> {
    checkModelName(name);
    checkTagKey(key);
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      if (key === PROMPT_TAG) checkKind(model, false);
      if (!(await deleteModelTag(work.client, model.id, key))) return;
      await work.tell({ ...changeOf(model, "DELETED", { name, key }), entity: "model_tag" });
    });
  }
}

function changeOf(
  model: Pick<ModelRow, "name" | "isPrompt">,
  action: "UPDATED" | "DELETED" | "SET",
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
) {
  return { entity: "model", action, model: model.name, isPrompt: model.isPrompt, data, more } as const;
}

const PROMPT_TYPE_TAG = "_mlflow_prompt_type";

async function tellCreated(
  work: Work,
  { name, description, tags }: { readonly name: string; readonly description: string; readonly tags: readonly Tag[] },
): Promise<void> {
  const prompt = isPrompt(tags);
  const told = prompt ? tags.filter(({ key }) => key !== PROMPT_TAG && key !== PROMPT_TYPE_TAG) : tags;
  await work.tell({
    entity: "model",
    action: "CREATED",
    model: name,
    isPrompt: prompt,
    data: { name, tags: Object.fromEntries(told.map(({ key, value }) => [key, value])), description },
    more: {},
  });
}

/** Of a key that comes twice the last counts. */
export function isPrompt(tags: readonly Tag[]): boolean {
  return tags.findLast(({ key }) => key === PROMPT_TAG)?.value.toLowerCase() === "true";
}

/** No gate stands before prompts: a model that became one for a moment could pass by all of them. */
function checkKind({ name, isPrompt: is }: ModelRow, wanted: boolean): void {
  if (is === wanted) return;
  const [now, other] = is ? ["prompt", "model"] : ["model", "prompt"];
  throw invalid(`'${name}' was made a ${now}, and cannot become a ${other} by the tag '${PROMPT_TAG}'; make another`);
}

/** Under another name it could become what a gate keeps it from, and then take its name back. */
async function checkStaysGated(work: Work, name: string, newName: string): Promise<void> {
  const lost = gatesLost((await currentGates(work.client)).gates, name, newName);
  if (lost.length === 0) return;
  const named = lost.map((gate) => `"${gate.name}" (models: ${gate.models.join(", ")})`).join(", ");
  throw new WeftError(
    "failed_precondition",
    `Registered Model (name=${name}) cannot be renamed to '${newName}': it would leave the gate ${named}. Set gates whose patterns fit the new name too (\`weft models gates FILE\`), then rename`,
  );
}

async function taken(work: Work, name: string, prompt: boolean): Promise<WeftError> {
  const there = await findModel(work.client, name);
  const kind = (isOne: boolean): string => (isOne ? "Prompt" : "Registered Model");
  if (there && there.isPrompt !== prompt) {
    const [mine, theirs] = [kind(prompt).toLowerCase(), kind(there.isPrompt).toLowerCase()];
    return new WeftError(
      "conflict",
      `Tried to create a ${mine} with name '${name}', but the name is already taken by a ${theirs}. MLflow does not allow creating a model and a prompt with the same name.`,
    );
  }
  return new WeftError("conflict", `${kind(prompt)} (name=${name}) already exists.`);
}

async function checkUnused(work: Work, { id, name }: ModelRow): Promise<void> {
  const [alias] = await listAliases(work.client, id);
  if (alias) {
    throw new WeftError(
      "failed_precondition",
      `Registered Model (name=${name}) is in use: the alias ${alias.alias} points at version ${alias.version}. Delete its aliases first`,
    );
  }
  const [use] = await usesOf(work.client, id);
  if (use) {
    const { user, version } = use;
    throw new WeftError(
      "failed_precondition",
      `Registered Model (name=${name}) is in use: ${user} needs version ${version}`,
    );
  }
}
