import { isDigest, type Digest } from "../../../lib/core/ids.ts";
import { checkLength, invalid, REGISTRY_LIMITS } from "./name.ts";

/** Where the files of a version are said to be. */
export type ModelSource =
  | { readonly kind: "run"; readonly runId: string; readonly path: string }
  | { readonly kind: "logged"; readonly modelId: string; readonly path: string }
  /** Another version, by number, alias, stage or "latest". */
  | { readonly kind: "version"; readonly name: string; readonly version: VersionWord }
  /** Behind our artifact proxy. */
  | { readonly kind: "proxy"; readonly path: string }
  /** A folder in our store, by the digest of its manifest. */
  | { readonly kind: "tree"; readonly digest: Digest }
  /** Somewhere else, or only a name: clients may know more. */
  | { readonly kind: "foreign" };

export type VersionWord =
  | { readonly kind: "number"; readonly number: number }
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "stage"; readonly stage: string };

const PROMPT_SOURCES = ["prompt-template", "dummy-source"];
const PROXY_HTTP = /^https?:\/\/[^/]+(?:\/[^?#]*)?\/api\/2\.0\/mlflow-artifacts\/artifacts\/(?<path>[^?#]*)$/;

/** Throws `invalid` for what leads out of a folder, or to a path of the server's machine. */
export function parseSource(source: string): ModelSource {
  checkLength("source", source, REGISTRY_LIMITS.sourceChars);
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(source)?.[1]?.toLowerCase() ?? "";
  if (scheme === "" || scheme === "file") throw isLocal(source);
  checkRelative(source);
  if (scheme === "runs") return readRun(source);
  if (scheme === "models") return readModel(source);
  if (scheme === "weft") {
    const digest = /^weft:\/*(.*)$/.exec(source)![1]!;
    if (!isDigest(digest)) throw invalid(`Invalid model version source: '${source}'. It must be weft:/sha256:<64 hex>`);
    return { kind: "tree", digest };
  }
  const proxied =
    scheme === "mlflow-artifacts" ? /^[^:]+:(?:\/\/[^/]*)?\/*(?<path>.*)$/.exec(source) : PROXY_HTTP.exec(source);
  if (proxied) return { kind: "proxy", path: decode(proxied.groups!["path"]!).replace(/\/+$/, "") };
  return { kind: "foreign" };
}

/** Versions of prompts have no files; their source is a word. */
export function checkPromptSource(source: string): void {
  if (PROMPT_SOURCES.includes(source)) return;
  throw invalid(`Invalid prompt source: '${source}'. Prompt sources must use an MLflow placeholder.`);
}

function readRun(source: string): ModelSource {
  const match = /^runs:\/*([^/]+)\/(.+)$/.exec(source);
  if (!match)
    throw invalid(
      `Not a proper runs:/ URI: ${source}. Runs URIs must be of the form 'runs:/<run_id>/run-relative/path'`,
    );
  return { kind: "run", runId: match[1]!, path: match[2]!.replace(/\/+$/, "") };
}

function readModel(source: string): ModelSource {
  const rest = /^models:\/*(.*)$/.exec(source)![1]!;
  const logged = /^(m-[0-9a-f]{32})(?:\/(.*))?$/.exec(rest);
  if (logged) return { kind: "logged", modelId: logged[1]!, path: (logged[2] ?? "").replace(/\/+$/, "") };
  const byAlias = /^([^/@]+)@([^/@]+)$/.exec(rest);
  if (byAlias) return { kind: "version", name: byAlias[1]!, version: { kind: "alias", alias: byAlias[2]! } };
  const byWord = /^([^/]+)\/([^/]+)$/.exec(rest);
  if (!byWord)
    throw invalid(
      `Not a proper models:/ URI: ${source}. Models URIs must be of the form 'models:/model_name/suffix' or 'models:/model_name@alias'`,
    );
  const [, name, word] = byWord as unknown as [string, string, string];
  if (/^\d{1,9}$/.test(word)) return { kind: "version", name, version: { kind: "number", number: Number(word) } };
  if (word.toLowerCase() === "latest") return { kind: "version", name, version: { kind: "alias", alias: "latest" } };
  return { kind: "version", name, version: { kind: "stage", stage: word } };
}

function checkRelative(source: string): void {
  let text = source;
  for (let next = decode(text); next !== text; next = decode(text)) text = next;
  const ours = /^(?:runs|models|mlflow-artifacts):/i.test(text);
  if (
    text.includes("\0") ||
    (ours && /[?#]/.test(text)) ||
    text.split("/").some((part) => part === ".." || part === ".")
  )
    throw invalid(
      `Invalid model version source: '${source}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.`,
    );
}

function isLocal(source: string): Error {
  return invalid(
    `Invalid model version source: '${source}'. To use a local path as a model version source, the run_id request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the run_id; this server keeps the files of runs in its store: log the model to the run, and register runs:/<run_id>/<path>`,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
