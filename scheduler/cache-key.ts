import { fileFilter } from "../lib/core/file-filter.ts";
import type { Assignment } from "../lib/core/dispatch.ts";
import type { Environment } from "../lib/core/pipeline/spec.ts";
import { variableName } from "../lib/core/pipeline/template.ts";
import type { TreeManifest } from "../lib/core/tree.ts";
import { digestBytes } from "../lib/digest.ts";
import type { Lookup } from "./core/index.ts";

/** Part of each key: raised when a key begins to mean something else. */
const VERSION = 1;

/** What a result depends on, part by part, as short digests: two keys differ in those that differ here. */
export type CacheParts = Readonly<Record<string, string>>;

export interface CacheKey {
  readonly key: string;
  /** The same task with the same map values, whatever else has changed. */
  readonly lane: string;
  readonly parts: CacheParts;
}

/** The key of a result. `code`: the manifest of the submitted folder; null: nothing was submitted. */
export function cacheKey({ project, assignment, params }: Lookup, code: TreeManifest | null): CacheKey {
  const { ref, run, env, files, inputs, outputs, environment, pipeline } = assignment;
  const entries = Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const wanted = params === null ? null : new Set(params.map((name) => `WEFT_PARAM_${variableName(name)}`));
  const map = entries.filter(([name]) => name.startsWith("WEFT_MAP_"));
  const parts: Record<string, string> = {
    command: short(run),
    env: short(entries.filter(([name]) => !name.startsWith("WEFT_PARAM_") && !name.startsWith("WEFT_MAP_"))),
    params: short(entries.filter(([name]) => name.startsWith("WEFT_PARAM_") && (wanted?.has(name) ?? true))),
    map: short(map),
    code: code === null ? short(null) : codePart(code, files),
    environment: short([environment, lockDigest(environment, code)]),
    outputs: short(outputs),
  };
  for (const [name, found] of byName(inputs)) parts[`input ${name}`] = short(found);
  // Only with a digest may they be in the key of a task at all; the same bytes may have come another way.
  for (const { name, digest, fileName } of assignment.sources ?? [])
    parts[`input ${name}`] = short([[null, digest, fileName]]);
  return {
    key: digestBytes(JSON.stringify([VERSION, project, parts])),
    lane: short([project, pipeline, ref.task, map]),
    parts,
  };
}

/** Says what the tasks do, which each key has already; were it counted, a change to one task would be one to all. */
const PIPELINE_FILES = new Set(["weft.yaml", "weft.yml"]);

const codeParts = new WeakMap<TreeManifest, Map<string, string>>();

/** Of the files that the task sees; the same for all instances of a task. */
function codePart(code: TreeManifest, globs: readonly string[]): string {
  const known = codeParts.get(code) ?? new Map<string, string>();
  codeParts.set(code, known);
  const name = JSON.stringify(globs);
  let part = known.get(name);
  if (part === undefined) {
    const filter = fileFilter(globs);
    const counts = (path: string): boolean => (globs.length > 0 || !PIPELINE_FILES.has(path)) && filter(path);
    const files = code.files.filter(({ path }) => counts(path));
    part = short(files.map(({ path, digest, executable }) => [path, digest, executable]));
    known.set(name, part);
  }
  return part;
}

function byName(inputs: Assignment["inputs"]): Map<string, unknown[]> {
  const names = new Map<string, unknown[]>();
  for (const { name, index, digest, fileName } of inputs) {
    const found = names.get(name) ?? [];
    found.push([index, digest, fileName]);
    names.set(name, found);
  }
  return names;
}

/** Of the file that an environment is built from, which `files` need not name. */
function lockDigest(environment: Environment, code: TreeManifest | null): string | null {
  if (!("lock" in environment)) return null;
  return code?.files.find(({ path }) => path === environment.lock)?.digest ?? null;
}

/** 80 bits: enough to tell parts of one task apart. */
function short(value: unknown): string {
  return digestBytes(JSON.stringify(value)).slice("sha256:".length, "sha256:".length + 20);
}

/** The parts in which they differ, in words. */
export function differences(before: CacheParts, now: CacheParts): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names].filter((name) => before[name] !== now[name]);
}
