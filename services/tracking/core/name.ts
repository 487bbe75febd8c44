import { invalid, invalidValue, missingValue, tooLong } from "./mlflow-error.ts";
import { LIMITS } from "./limits.ts";

/** Python's \w takes the letters and digits of all scripts. */
const NAME = /^[/\p{L}\p{N}_.\- :]*$/u;
const RUN_ID = /^[a-zA-Z0-9][\p{L}\p{N}_-]{0,255}$/u;
const CHARACTERS =
  "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).";

/** Of a param, a metric or a tag: it must also be able to name a file. */
export function checkName(name: string, path: string): void {
  if (!NAME.test(name)) throw invalidValue(path, name, CHARACTERS);
  const normal = normalPath(name);
  if (normal !== name || normal === "." || normal.startsWith("..") || normal.startsWith("/"))
    throw invalidValue(
      path,
      name,
      `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '${normal}'`,
    );
}

export function checkKey(key: string | undefined, path: string, entity: string): string {
  if (key === undefined) throw missingValue(path);
  checkName(key, path);
  checkLength(entity, key, LIMITS.keyChars);
  return key;
}

export function checkRunId(id: string): string {
  if (!RUN_ID.test(id)) throw invalidValue("run_id", id);
  return id;
}

export function checkLength(entity: string, value: string, charsMax: number): void {
  if (longerThan(value, charsMax)) throw tooLong(`'${entity}'`.replaceAll("''", "'"), charsMax);
}

/** MLflow cuts long values of params and tags, and tells nobody; so do its clients expect. */
export function cut(value: string, charsMax: number): string {
  return longerThan(value, charsMax) ? Array.from(value).slice(0, charsMax).join("") : value;
}

function longerThan(value: string, charsMax: number): boolean {
  return value.length > charsMax && Array.from(value).length > charsMax;
}

export function checkExperimentName(name: string): string {
  if (name === "") throw invalid("Invalid experiment name: ''");
  checkLength("name", name, LIMITS.experimentNameChars);
  return name;
}

/** Decimal, as MLflow's stores in a database have it. */
export function parseExperimentId(text: string): string {
  if (/^-?\d{1,18}$/.test(text)) return BigInt(text).toString();
  throw invalid(`Invalid experiment ID '${text}'. Experiment ID must be a valid integer.`);
}

/** As POSIX resolves `.`, `..` and repeated slashes, without looking at a disk; two leading slashes stay two. */
export function normalPath(path: string): string {
  const root = path.startsWith("//") && !path.startsWith("///") ? "//" : path.startsWith("/") ? "/" : "";
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else if (root === "") parts.push("..");
  }
  return `${root}${parts.join("/")}` || ".";
}
