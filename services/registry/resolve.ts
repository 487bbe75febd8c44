import type { ClientBase, Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import { findAlias } from "./alias-store.ts";
import { canonicalStage, noVersion, STAGES } from "./core/name.ts";
import type { VersionWord } from "./core/source.ts";
import type { ModelRow } from "./model-store.ts";
import { latestVersions } from "./version-store.ts";

/** The number that is meant now. Errors: `not_found`, `invalid`. */
export async function resolveWord(client: Pool | ClientBase, model: ModelRow, word: VersionWord): Promise<number> {
  switch (word.kind) {
    case "number":
      return word.number;
    case "alias":
      return resolveAlias(client, model, word.alias);
    case "stage": {
      const [found] = await latestVersions(client, model.id, [canonicalStage(word.stage)]);
      if (!found) throw noVersion(model.name, word.stage);
      return found.version;
    }
  }
}

/** "latest" is the highest version. An alias that is not there is `invalid`, as MLflow has it. */
export async function resolveAlias(client: Pool | ClientBase, model: ModelRow, alias: string): Promise<number> {
  if (alias.toLowerCase() === "latest") {
    const newest = (await latestVersions(client, model.id, STAGES)).at(-1);
    if (!newest) throw new WeftError("not_found", `Latest version not found for model ${model.name}.`);
    return newest.version;
  }
  const found = await findAlias(client, model.id, alias);
  if (!found) throw new WeftError("invalid", `Registered model alias ${alias} not found.`);
  return found.version;
}
