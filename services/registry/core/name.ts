import { WeftError } from "../../../lib/core/error.ts";

/** MLflow's limits on what a registry holds (mlflow/utils/validation.py). */
export const REGISTRY_LIMITS = {
  tagKeyChars: 250,
  tagValueChars: 100_000,
  aliasChars: 255,
  /** MLflow's column. */
  modelNameChars: 256,
  descriptionChars: 100_000,
  sourceChars: 4_096,
} as const;

export const STAGES = ["None", "Staging", "Production", "Archived"] as const;
export type Stage = (typeof STAGES)[number];
/** Of these a transition can archive what is in them. */
const ACTIVE_STAGES: readonly Stage[] = ["Staging", "Production"];

const TAG_KEY = /^[/\p{L}\p{N}_.\- :]*$/u;
const ALIAS = /^[\p{L}\p{N}_-]*$/u;

export function checkModelName(name: string, field = "name"): string {
  if (name.trim() === "") throw invalid(`Missing value for required parameter '${field}'.`);
  if (/[/:]/.test(name)) throw invalid(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  if (name === "." || name.startsWith("..")) throw invalid(resolves(field, name));
  checkLength("Registered model name", name, REGISTRY_LIMITS.modelNameChars);
  return name;
}

/** `reading`: an alias that is looked up may be "latest". */
export function checkAlias(alias: string, { reading = false } = {}): string {
  if (alias === "") throw invalid("Registered model alias name cannot be empty.");
  if (!ALIAS.test(alias)) {
    throw invalid(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength("Registered model alias name", alias, REGISTRY_LIMITS.aliasChars);
  if (reading) return alias;
  if (alias.toLowerCase() === "latest") throw invalid("'latest' alias name (case insensitive) is reserved.");
  if (/^v\d+$/i.test(alias)) throw invalid(`Version alias name '${alias}' is reserved.`);
  return alias;
}

export function checkTag(key: string, value: string): void {
  checkTagKey(key);
  checkLength("key", key, REGISTRY_LIMITS.tagKeyChars);
  if (key === "mlflow.prompt.text" && value.length > REGISTRY_LIMITS.tagValueChars)
    throw invalid(`Prompt text exceeds max length of ${REGISTRY_LIMITS.tagValueChars} characters.`);
  checkLength("value", value, REGISTRY_LIMITS.tagValueChars);
}

export function checkTagKey(key: string): void {
  if (!TAG_KEY.test(key)) {
    const allowed =
      "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";
    throw invalid(`Invalid value ${JSON.stringify(key)} for parameter 'key' supplied: ${allowed}`);
  }
  const parts = key.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) throw invalid(resolves("key", key));
}

/** Of every text that is kept: its length, and that it can be kept. */
export function checkLength(what: string, value: string, charsMax: number): void {
  if (value.includes("\0")) throw invalid(`'${what}' holds the character U+0000, which cannot be stored`);
  if (value.length > charsMax) throw invalid(`'${what}' exceeds the maximum length of ${charsMax} characters`);
}

/** Versions are numbers from 1, and travel as text. */
export function parseVersion(text: string): number {
  if (!/^[+-]?\d+$/.test(text.trim())) throw invalid(`Parameter 'version' must be an integer, got '${text}'.`);
  const number = Number(text);
  // What no column could hold is no version that there is.
  return Number.isSafeInteger(number) && number > 0 && number < 2 ** 31 ? number : 0;
}

export function canonicalStage(text: string): Stage {
  const found = STAGES.find((stage) => stage.toLowerCase() === text.toLowerCase());
  if (found) return found;
  throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${STAGES.join(", ")}.`);
}

export function checkArchiving(stage: Stage, given: string): void {
  if (ACTIVE_STAGES.includes(stage)) return;
  throw invalid(
    `Model version transition cannot archive existing model versions because '${given}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
  );
}

export const invalid = (message: string): WeftError => new WeftError("invalid", message);

export const noModel = (name: string): WeftError =>
  new WeftError("not_found", `Registered Model with name=${name} not found`);

export const noVersion = (name: string, version: string | number): WeftError =>
  new WeftError("not_found", `Model Version (name=${name}, version=${version}) not found`);

function resolves(field: string, name: string): string {
  return `Invalid value ${JSON.stringify(name)} for parameter '${field}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such.`;
}
