import { isAlias, isMap, isScalar, isSeq, parseDocument, type Alias, type Node, type Pair, type YAMLError } from "yaml";
import { formatSize, parsePriority, PRIORITIES } from "../../../proto/units.ts";
import { complete, type PipelineDraft } from "./canonical.ts";
import { LIMITS, utf8Bytes } from "./limits.ts";
import { checkPipeline } from "./rules.ts";
import { type LocatedIssue, Source } from "./source.ts";
import type { PipelineSpec, Scalar } from "./spec.ts";
import type { Issue } from "../error.ts";
import { readConcurrency, readRate } from "./yaml-admission.ts";
import { resolveAliases } from "./yaml-alias.ts";
import { type Entry, NodeReader, offsetOf } from "./yaml-node.ts";
import { readNotify } from "./yaml-notify.ts";
import { readTask } from "./yaml-task.ts";
import { readTriggers } from "./yaml-trigger.ts";

const PIPELINE_KEYS = [
  "pipeline",
  "params",
  "on",
  "tasks",
  "notify",
  "project",
  "priority",
  "concurrency",
  "rate",
] as const;
const PIPELINE_LATER = new Set([
  "schedule",
  "triggers",
  "secrets",
  "notifications",
  "services",
  "defaults",
  "approvals",
  "environments",
  "include",
]);

const EXAMPLE = `the smallest pipeline is:\n  pipeline: hello\n  tasks:\n    greet:\n      run: echo hello`;

export type Read =
  | {
      readonly ok: true;
      readonly spec: PipelineSpec;
      /** Places an issue that came later (from the server, say) in the file. */
      readonly locate: (issue: Issue) => LocatedIssue;
    }
  | { readonly ok: false; readonly issues: readonly LocatedIssue[] };

/** Reads, completes and checks weft.yaml. Every issue names its line and column, in their order in the file. */
export function readPipeline(text: string, fileName: string, files: PipelineFiles = NO_FILES): Read {
  return readIn(text, fileName, { files, known: new Map() }, [fileName]);
}

/** The files that `pipeline:` names, for those who can read them. */
export interface PipelineFiles {
  /** The path, seen from the file that names it. */
  readonly resolve: (from: string, path: string) => string;
  /** Throws, with a message for people. */
  readonly read: (file: string) => string;
}

const NO_FILES: PipelineFiles = {
  resolve: (_, path) => path,
  read: () => {
    throw new Error("other files cannot be read from here; submit with the command line");
  },
};

/** Of one pipeline in another in another: more is a mistake. */
const INCLUDE_DEPTH_MAX = 16;

/** A file that many name is read once: else sixteen files that name the next one twice are read 65,536 times. */
interface Shelf {
  readonly files: PipelineFiles;
  readonly known: Map<string, PipelineSpec | string>;
}

function readIn(text: string, fileName: string, shelf: Shelf, chain: readonly string[]): Read {
  const source = new Source(text, fileName);
  const bytes = utf8Bytes(text);
  if (bytes > LIMITS.fileBytes) {
    const message = `the file has ${formatSize(bytes)}; at most ${formatSize(LIMITS.fileBytes)} are allowed (keep data in files of their own, and use a map for many like tasks)`;
    return { ok: false, issues: [new Source("", fileName).issueAt(0, [], message)] };
  }
  try {
    return readDocument(text, source, (path) => readOther(path, shelf, chain));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse([
      source.issueAt(0, [], "lists or mappings are nested too deeply; a pipeline needs six levels at most"),
    ]);
  }
}

/** The pipeline at the path, or what is wrong with it, in one text. */
function readOther(path: string, shelf: Shelf, chain: readonly string[]): PipelineSpec | string {
  const file = shelf.files.resolve(chain.at(-1)!, path);
  if (chain.includes(file)) return `the pipelines stand in each other in a circle: ${[...chain, file].join(" → ")}`;
  if (chain.length > INCLUDE_DEPTH_MAX) return `pipelines stand in each other more than ${INCLUDE_DEPTH_MAX} deep`;
  const known = shelf.known.get(file) ?? readFileOf(file, shelf, chain);
  shelf.known.set(file, known);
  return known;
}

function readFileOf(file: string, shelf: Shelf, chain: readonly string[]): PipelineSpec | string {
  let text: string;
  try {
    text = shelf.files.read(file);
  } catch (error) {
    return `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
  const read = readIn(text, file, shelf, [...chain, file]);
  if (read.ok) return read.spec;
  const [first] = read.issues;
  const more = read.issues.length > 1 ? ` (and ${read.issues.length - 1} more)` : "";
  return `${file}:${first!.line}:${first!.column}: ${first!.message}${more}`;
}

function readDocument(text: string, source: Source, readOther: (path: string) => PipelineSpec | string): Read {
  // uniqueKeys compares every key with every other: a file of many tasks would take minutes. NodeReader looks itself.
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, strict: true });
  const broken = [...document.errors, ...document.warnings];
  if (broken.length > 0) return refuse(broken.slice(0, 5).map((error) => syntaxIssue(source, error)));
  if (document.contents === null) return refuse([source.issueAt(0, [], `the file is empty; ${EXAMPLE}`)]);
  const aliases = resolveAliases(document, source);
  if (aliases.issues.length > 0) return refuse(aliases.issues);
  const reader = new NodeReader(aliases.targets, source, readOther);
  const contents = document.contents;
  const draft = readDraft(reader, contents);
  if (reader.issues.length > 0) return refuse(reader.issues);
  const misfits: Issue[] = [];
  const spec = complete(draft, misfits);
  const holders = draft.tasks.filter(({ sub }) => sub).map(({ name }) => name);
  const locate = (issue: Issue): LocatedIssue =>
    source.issueAt(locateOffset(contents, aliases.targets, holderOf(issue.path, holders)), issue.path, issue.message);
  const issues = misfits.length > 0 ? misfits : checkPipeline(spec);
  return issues.length > 0 ? refuse(issues.map(locate)) : { ok: true, spec, locate };
}

/** A task of another pipeline is not in the file: what stands for it is. */
function holderOf(path: Issue["path"], holders: readonly string[]): Issue["path"] {
  const [tasks, name] = path;
  if (tasks !== "tasks" || typeof name !== "string" || holders.includes(name)) return path;
  const holder = holders.find((each) => name.startsWith(`${each}-`));
  return holder === undefined ? path : ["tasks", holder, "pipeline"];
}

function refuse(issues: readonly LocatedIssue[]): Read {
  const sorted = issues.toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, issues: sorted.slice(0, LIMITS.issues) };
}

function readDraft(reader: NodeReader, contents: Node): PipelineDraft {
  const draft: { -readonly [K in keyof PipelineDraft]: PipelineDraft[K] } = { name: "", params: {}, tasks: [] };
  const entries = reader.entries(contents, [], "the file", 0);
  if (!entries) return draft;
  for (const entry of entries) {
    switch (entry.name as (typeof PIPELINE_KEYS)[number]) {
      case "pipeline":
        draft.name = reader.text(entry.value, entry.path, entry.offset, '"pipeline"', "a name would be right") ?? "";
        break;
      case "params":
        draft.params = readParams(reader, entry);
        break;
      case "tasks":
        draft.tasks = (reader.entries(entry.value, entry.path, '"tasks"', entry.offset) ?? []).map((task) =>
          readTask(reader, task),
        );
        break;
      case "concurrency":
        draft.concurrency = readConcurrency(reader, entry);
        break;
      case "rate":
        draft.rate = readRate(reader, entry);
        break;
      case "on":
        draft.triggers = readTriggers(reader, entry);
        break;
      case "notify":
        draft.notify = readNotify(reader, entry);
        break;
      case "project":
        draft.project = reader.text(entry.value, entry.path, entry.offset, '"project"', "a name would be right");
        break;
      case "priority":
        draft.priority = readPriority(reader, entry);
        break;
      default:
        // x-… may hold anchors, as in other formats.
        if (!entry.name.startsWith("x-")) reader.unknownKey(entry, "a pipeline", PIPELINE_KEYS, PIPELINE_LATER);
    }
  }
  for (const key of ["pipeline", "tasks"] as const) {
    if (!entries.some(({ name }) => name === key)) reader.issue(0, [key], `"${key}" is missing; ${EXAMPLE}`);
  }
  return draft;
}

/** A number, or a class: see PRIORITIES. */
function readPriority(reader: NodeReader, entry: Entry): number | undefined {
  const right = `${Object.keys(PRIORITIES).join(", ")} or a whole number would be right`;
  const text = reader.text(entry.value, entry.path, entry.offset, '"priority"', right);
  if (text === undefined) return undefined;
  const priority = parsePriority(text);
  return priority ?? reader.issue(entry.offset, entry.path, `priority is "${text}"; ${right}`);
}

function readParams(reader: NodeReader, entry: Entry): Record<string, Scalar> {
  if (reader.resolve(entry.value) === null) return {};
  const entries = reader.entries(entry.value, entry.path, '"params"', entry.offset) ?? [];
  return Object.fromEntries(
    entries.flatMap(({ name, value, path, offset }): [string, Scalar][] => {
      const scalar = reader.scalar(value, path, offset, `parameter "${name}"`);
      return scalar === undefined ? [] : [[name, scalar]];
    }),
  );
}

/** YAML's own complaints, in the words of someone who writes a pipeline. */
function syntaxIssue(source: Source, error: YAMLError): LocatedIssue {
  const remedies: Partial<Record<YAMLError["code"], string>> = {
    TAB_AS_INDENT: "a tab stands where spaces indent; replace it by spaces",
    MULTIPLE_DOCS: "a second document begins here (---); a file holds one pipeline",
    BAD_ALIAS: "this alias names no anchor; a text that begins with * is put in quotes",
    TAG_RESOLVE_FAILED: "tags (!…) are not used in a pipeline; a text that begins with ! is put in quotes",
    MISSING_CHAR: "something is not closed, or a : or a , is missing",
    RESOURCE_EXHAUSTION: "lists or mappings are nested too deeply here; a pipeline needs six levels",
    BAD_INDENT: "this line is indented in another way than those it belongs to",
  };
  const remedy = remedies[error.code];
  return source.issueAt(
    error.pos[0],
    [],
    remedy === undefined ? `not YAML: ${error.message}` : `${remedy} (${error.message})`,
  );
}

/** Where a path of the pipeline stands: at its value when that is short, else at its key; if it is absent, at what should hold it. */
function locateOffset(contents: Node, aliases: ReadonlyMap<Alias, Node>, path: Issue["path"]): number {
  let node: Node | null = contents;
  let offset = 0;
  for (const part of path) {
    if (isAlias(node)) node = aliases.get(node) ?? null;
    if (isMap(node)) {
      const pair: Pair | undefined = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) break;
      node = pair.value as Node | null;
      const short = isScalar(node) ? !node.type?.startsWith("BLOCK") : isSeq(node) && node.flow === true;
      offset = offsetOf(short ? node! : (pair.key as Node));
    } else if (isSeq(node) && typeof part === "number") {
      const item = node.items[part] as Node | undefined;
      if (!item) break;
      node = item;
      offset = offsetOf(item);
    } else break;
  }
  return offset;
}
