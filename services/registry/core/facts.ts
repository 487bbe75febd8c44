import { parse } from "yaml";
import type { Digest } from "../../../lib/core/ids.ts";
import type { Json } from "../../../lib/core/json.ts";

/** What is known of a version besides its bytes, taken when it was registered. */
export interface ModelFacts {
  /** Of MLmodel: inputs, outputs and params with their types; null: it has none. */
  readonly signature: Json;
  readonly inputExample: ModelFile | null;
  /** requirements.txt, conda.yaml, python_env.yaml: what it needs to be loaded. */
  readonly environment: readonly ModelFile[];
  /** e.g. python_function, sklearn */
  readonly flavors: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly lineage: ModelLineage;
}

export interface ModelFile {
  readonly path: string;
  readonly digest: Digest;
}

/** Ids that lead on; empty: not known. */
export interface ModelLineage {
  readonly runId: string;
  readonly experimentId: string;
  readonly modelId: string;
  /** `job.task.index.attempt` */
  readonly attempt: string;
  readonly commit: string;
  readonly datasets: readonly { readonly name: string; readonly digest: string }[];
}

export const MLMODEL = "MLmodel";
/** MLmodel is a page of YAML; a signature of ten thousand columns has some 500 kB. */
export const MLMODEL_BYTES_MAX = 4 * 1024 * 1024;
const ENVIRONMENT_FILES = ["requirements.txt", "conda.yaml", "python_env.yaml"];
/** An alias in YAML stands for all that its anchor holds: a few lines could otherwise become millions of values. */
const ALIASES_MAX = 100;

/** What the files say of the model. `mlmodel`: the text of MLmodel; undefined: there is none. */
export function readModelFiles(
  files: readonly ModelFile[],
  mlmodel: string | undefined,
): Pick<ModelFacts, "signature" | "inputExample" | "environment" | "flavors"> {
  const environment = files.filter(({ path }) => ENVIRONMENT_FILES.includes(path));
  const said = mlmodel === undefined ? {} : readYaml(mlmodel);
  const example = (said["saved_input_example_info"] as Record<string, unknown> | undefined)?.["artifact_path"];
  const inputExample = files.find(({ path }) => path === example);
  const flavors = said["flavors"];
  return {
    signature: readSignature(said["signature"]),
    inputExample: inputExample ? { path: inputExample.path, digest: inputExample.digest } : null,
    environment: environment.map(({ path, digest }) => ({ path, digest })),
    flavors: isRecord(flavors) ? Object.keys(flavors).sort() : [],
  };
}

function readYaml(text: string): Record<string, unknown> {
  try {
    const value: unknown = parse(text, { maxAliasCount: ALIASES_MAX });
    return isRecord(value) ? value : {};
  } catch {
    return {}; // A file that is no YAML is not ours to mend; its bytes are kept as they are.
  }
}

/** MLmodel holds each part as JSON in a string. */
function readSignature(value: unknown): Json {
  if (!isRecord(value)) return null;
  const parts = Object.entries(value).filter(([, part]) => part !== null);
  return Object.fromEntries(
    parts.map(([name, part]) => [name, typeof part === "string" ? jsonOr(part) : (part as Json)]),
  );
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
