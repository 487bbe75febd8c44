import type { Issue } from "../error.ts";
import { type Digest, isDigest } from "../ids.ts";
import { isSafePath } from "../tree.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import type { InputSpec as InputSpecProto, InputSpec__Output } from "../../../proto/gen/weft/v1/InputSpec.ts";
import type { InputSpec, PipelineSpec, Scalar, SourceSpec, TaskSpec } from "./spec.ts";
import { checkReferences, parseTemplate, renderTemplate, type Template } from "./template.ts";
import { scalarText } from "./value.ts";

/** Where an input comes from that no task of the job makes. */
export type Outside =
  /** `text`: NAME, NAME@VERSION or NAME@TAG. */
  | { readonly kind: "dataset"; readonly text: string }
  | { readonly kind: "http"; readonly url: string }
  /** A key that is empty or ends with "/" is a prefix: all objects below it, as a folder. */
  | { readonly kind: "s3"; readonly bucket: string; readonly key: string; readonly versionId: string | null }
  /** Of the node. */
  | { readonly kind: "file"; readonly path: string };

export type ReadOutside =
  | { readonly ok: true; readonly outside: Outside }
  | { readonly ok: false; readonly message: string };

/**
 * A URI of this length is a slip, or holds data. With its version it is a key of an index, and Postgres takes 2,704 bytes there: more would
 * keep the transaction that records it from ever being done.
 */
const FROM_BYTES_MAX = 2_000;
/** Longer names of versions (S3 and ETags have some 32 characters) are none: the digest stands for them. */
export const VERSION_CHARS_MAX = 200;
/** Of one part of a path; file systems take 255. */
const FILE_NAME_BYTES_MAX = 200;
/** They would make lines of logs and messages, and are dropped or encoded on the way to a server. */
// oxlint-disable-next-line no-control-regex -- they are the characters meant
const CONTROL = /[\u0000-\u001f\u007f]/;
const SCHEMES = /^(?:dataset:|[A-Za-z][A-Za-z0-9+.-]*:\/\/)/;
export const FROM_RIGHT = '"dataset:flights@3", "https://…", "s3://bucket/key" or "file:///path" would be right';
const DATASET = /^dataset:([A-Za-z0-9][A-Za-z0-9._-]{0,127})(?:@([A-Za-z0-9][A-Za-z0-9._-]{0,127}))?$/;
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/s;

/** Whether the text of an input names something outside, and no output of a task. */
export function isOutside(text: string): boolean {
  return SCHEMES.test(text);
}

/** A digest may stand behind the URI: `#sha256=…`. */
export function splitDigest(text: string): { readonly from: string; readonly digest?: Digest } {
  const match = /^(.*)#sha256=([0-9a-fA-F]{64})$/s.exec(text);
  return match ? { from: match[1]!, digest: `sha256:${match[2]!.toLowerCase()}` as Digest } : { from: text };
}

/** `digest` and `keep`: what is said beside the text. `wrong` is told what it contradicts. */
export function sourceOf(
  text: string,
  digest: Digest | undefined,
  keep: boolean,
  wrong: (message: string) => unknown,
): SourceSpec {
  const split = splitDigest(text);
  if (digest !== undefined && split.digest !== undefined && split.digest !== digest)
    wrong(`must have the digest ${split.digest} by its URI, and ${digest} beside it; say one of them`);
  return { ...split, ...(digest === undefined ? {} : { digest }), ...(keep ? {} : { keep }) };
}

/** What the text names, once no `{{ … }}` is left in it. */
export function readOutside(from: string): ReadOutside {
  const wrong = (message: string): ReadOutside => ({ ok: false, message });
  const bytes = utf8Bytes(from);
  if (bytes > FROM_BYTES_MAX) return wrong(`has ${bytes} bytes; at most ${FROM_BYTES_MAX} are allowed`);
  if (CONTROL.test(from)) return wrong(`is ${JSON.stringify(from)}, which holds a control character; take it away`);
  if (from.startsWith("dataset:")) {
    if (DATASET.test(from)) return { ok: true, outside: { kind: "dataset", text: from.slice("dataset:".length) } };
    return wrong(`is "${from}"; dataset:NAME, dataset:NAME@VERSION or dataset:NAME@TAG would be right`);
  }
  if (from.startsWith("s3://")) return readS3(from);
  if (from.startsWith("file://")) return readFileUri(from);
  if (/^https?:\/\//.test(from)) return readHttp(from);
  return wrong(`is "${from}"; ${FROM_RIGHT}`);
}

function readS3(from: string): ReadOutside {
  const match = BUCKET.exec(from);
  if (!match)
    return {
      ok: false,
      message: `is "${from}"; s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for all below it, would be right`,
    };
  const [, bucket = "", rest = ""] = match;
  const version = /^(.*)\?versionId=([^?&#]+)$/s.exec(rest);
  const key = version ? version[1]! : rest;
  if (version && (key === "" || key.endsWith("/")))
    return { ok: false, message: `is "${from}"; a prefix has no version, only an object has one` };
  return { ok: true, outside: { kind: "s3", bucket, key, versionId: version?.[2] ?? null } };
}

function readFileUri(from: string): ReadOutside {
  const path = decoded(from.slice("file://".length));
  if (path?.startsWith("/") && (path === "/" || isSafePath(path.slice(1).replace(/\/$/, ""))))
    return { ok: true, outside: { kind: "file", path } };
  return { ok: false, message: `is "${from}"; file:///ABSOLUTE/PATH would be right, on the node that runs the task` };
}

function readHttp(from: string): ReadOutside {
  if (!URL.canParse(from)) return { ok: false, message: `is "${from}", which is no URL` };
  const url = new URL(from);
  if (url.username !== "" || url.password !== "")
    return {
      ok: false,
      message:
        "holds a user or a password, which would stand in the job for all to see; use a signed URL, or a proxy on the node",
    };
  if (url.hash !== "")
    return { ok: false, message: `is "${from}"; of fragments only #sha256= and 64 hex digits mean something` };
  return { ok: true, outside: { kind: "http", url: from } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** What it is called below inputs/NAME: the last part of its path; the input's own name where that is none. */
export function outsideFileName(outside: Outside, input: string): string {
  if (outside.kind === "dataset") return input;
  const path =
    outside.kind === "http"
      ? (decoded(new URL(outside.url).pathname) ?? "")
      : outside.kind === "s3"
        ? outside.key
        : outside.path;
  const last = path.replace(/\/+$/, "").split("/").at(-1)!;
  return isSafePath(last) && utf8Bytes(last) <= FILE_NAME_BYTES_MAX ? last : input;
}

/** All that can be said of a task's sources before parameters are known. */
export function checkSources(
  pipeline: PipelineSpec,
  task: TaskSpec,
  add: (path: readonly (string | number)[], message: string) => void,
): void {
  const sources = Object.entries(task.sources ?? {});
  const uris = sources.filter(([, { from }]) => !from.startsWith("dataset:")).length;
  if (uris > LIMITS.urisPerTask)
    add(
      ["inputs"],
      `task "${task.name}" reads ${uris} URIs; at most ${LIMITS.urisPerTask} are allowed; read an s3:// prefix, or spread them over instances`,
    );
  for (const [name, source] of sources) {
    const what = `input "${name}"`;
    const path = ["inputs", name];
    const template = parseTemplate(source.from, false);
    for (const message of problemsOf(template, pipeline)) add(path, `${what}: ${message}`);
    if (!isOutside(source.from)) add(path, `${what} is "${source.from}"; ${FROM_RIGHT}`);
    else if (isFixed(template)) {
      const read = readOutside(source.from);
      if (!read.ok) add(path, `${what} ${read.message}`);
    }
    const isData = source.from.startsWith("dataset:");
    if (isData && (source.digest !== undefined || source.keep === false))
      add(path, `${what} is a data set, whose versions are kept and never change; take "digest" and "keep" away`);
    if (task.flow.cache && !isData && source.digest === undefined)
      add(
        path,
        `task "${task.name}" keeps its results, and ${what} may be another each time it is read; pin it with "digest: sha256:…", or take "cache" away`,
      );
  }
}

function problemsOf(template: Template, pipeline: PipelineSpec): string[] {
  if (template.problems.length > 0) return [...template.problems];
  const others = template.pieces.flatMap((piece) =>
    piece.kind === "value" && piece.reference.kind !== "params"
      ? [`${piece.source}: an input is fixed when the job is submitted, and can name parameters only`]
      : [],
  );
  if (others.length > 0) return others;
  return checkReferences(template, {
    params: Object.keys(pipeline.params),
    map: [],
    inputs: [],
    outputs: [],
    tasks: [],
  });
}

function isFixed({ pieces }: Template): boolean {
  return pieces.every(({ kind }) => kind === "text");
}

/** With the parameters of a job put in. Errors are added to `issues`. */
export function bindSource(
  source: SourceSpec,
  params: Readonly<Record<string, Scalar>>,
  path: Issue["path"],
  issues: Issue[],
): { readonly source: SourceSpec; readonly outside: Outside } | undefined {
  const text = renderTemplate(parseTemplate(source.from, false), false, (reference) =>
    scalarText("name" in reference ? (params[reference.name] ?? null) : null),
  );
  const split = splitDigest(text);
  const read = readOutside(split.from);
  if (read.ok) return { source: { ...source, ...split }, outside: read.outside };
  issues.push({ path, message: `input "${path.at(-1)}" ${read.message}` });
  return undefined;
}

/** The inputs of a message: those that tasks make, and those from outside. */
export function inputsFromProto(
  messages: Readonly<Record<string, InputSpec__Output>>,
  path: Issue["path"],
  issues: Issue[],
): { readonly inputs: Record<string, InputSpec>; readonly sources: Record<string, SourceSpec> } {
  const inputs: Record<string, InputSpec> = {};
  const sources: Record<string, SourceSpec> = {};
  for (const [name, { task, output, from, digest, discard }] of Object.entries(messages)) {
    const add = (message: string): number =>
      issues.push({ path: [...path, "inputs", name], message: `input "${name}" ${message}` });
    if (from === "") {
      inputs[name] = { task, output };
      if (digest !== "" || discard) add('has a digest, or is not to be kept, and says no "from"');
      continue;
    }
    if (task !== "" || output !== "") add('says both "from" and a task; say one of them');
    if (digest !== "" && !isDigest(digest)) add(`has the digest "${digest}"; it must be sha256: and 64 hex digits`);
    sources[name] = sourceOf(from, isDigest(digest) ? digest : undefined, !discard, add);
  }
  return { inputs, sources };
}

export function inputsToProto({
  inputs,
  sources,
}: Pick<TaskSpec, "inputs" | "sources">): Record<string, InputSpecProto> {
  const messages: Record<string, InputSpecProto> = { ...inputs };
  for (const [name, { from, digest = "", keep = true }] of Object.entries(sources ?? {}))
    messages[name] = { task: "", output: "", from, digest, discard: !keep };
  return messages;
}
