import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid } from "./core/mlflow-error.ts";
import { checkLength, parseExperimentId } from "./core/name.ts";
import { checkExperimentActive, getExperiment } from "./experiment-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";
import { deleteScorer, getScorer, insertScorer, listScorers, noScorer, type ScorerKey } from "./scorer-store.ts";

/** Where MLflow's client puts the source of a function that was decorated with @scorer. */
const CODE_FIELD = "call_source";
const VERSION_MAX = 2 ** 31 - 1;

/** Scorers that users registered: kept, listed, given back. Nothing of them runs on the server. */
export function scorerRoutes({ pool, now, newId }: TrackingParts): MlflowRoute[] {
  const route = (method: MlflowRoute["method"], path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({
    method,
    path: `/scorers/${path}`,
    versions: ["3.0"],
    answer,
  });
  const activeKey = async (fields: Fields): Promise<ScorerKey> => {
    const key = {
      experimentId: parseExperimentId(fields.requiredText("experiment_id")),
      name: fields.requiredText("name"),
    };
    checkExperimentActive(await getExperiment(pool, key.experimentId));
    return key;
  };
  return [
    route("POST", "register", async (fields) => {
      const key = await activeKey(fields);
      checkLength("name", key.name, LIMITS.scorerNameChars);
      const serialized = fields.requiredText("serialized_scorer");
      checkSerialized(serialized);
      const createdMs = now();
      const made = await insertScorer(pool, key, { id: newId(), serialized }, createdMs);
      if (made === undefined) throw invalid(`The experiment ${key.experimentId} was just deleted`);
      return {
        version: made.version,
        scorer_id: made.id,
        experiment_id: key.experimentId,
        name: key.name,
        serialized_scorer: serialized,
        creation_time: createdMs,
      };
    }),
    route("GET", "list", async (fields) => {
      const one = fields.text("experiment_id");
      const ids = one ? [one, ...fields.texts("experiment_ids")] : fields.texts("experiment_ids");
      return list(await listScorers(pool, ids.length === 0 ? null : ids.map(parseExperimentId), null));
    }),
    // Clients ask it before they list scorers. None runs on the server by itself, and none can be told to.
    route("GET", "online-configs", async () => ({ configs: [] })),
    route("GET", "versions", async (fields) => {
      const key = await activeKey(fields);
      const found = await listScorers(pool, [key.experimentId], key.name);
      if (found.length === 0) throw noScorer(key, null);
      return list(found);
    }),
    route("GET", "get", async (fields) => {
      const version = readVersion(fields);
      return `{"scorer":${await getScorer(pool, await activeKey(fields), version)}}`;
    }),
    route("DELETE", "delete", async (fields) => {
      const version = readVersion(fields);
      await deleteScorer(pool, await activeKey(fields), version);
      return undefined;
    }),
  ];
}

function readVersion(fields: Fields): number | null {
  return fields.has("version") ? fields.within("version", { min: 1, max: VERSION_MAX, fallback: 1 }) : null;
}

function checkSerialized(text: string): void {
  checkLength("serialized_scorer", text, LIMITS.scorerChars);
  let hasCode = false;
  let value: unknown;
  try {
    value = JSON.parse(text, (key, inner: unknown) => {
      hasCode ||= key === CODE_FIELD && inner !== null && inner !== "";
      return inner;
    });
  } catch (error) {
    throw invalid(`serialized_scorer must be valid JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("serialized_scorer must be a JSON object");
  // MLflow's clients refuse to load one, and with it every list that it is in.
  if (hasCode)
    throw invalid(
      "a scorer made with @scorer holds code, which no client loads from a server: import it from your own code instead; built-in scorers and judges can be registered",
    );
}

function list(rows: readonly string[]): string {
  return rows.length === 0 ? "{}" : `{"scorers":[${rows.join(",")}]}`;
}
