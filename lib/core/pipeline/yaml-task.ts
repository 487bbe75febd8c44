import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { TaskDraft } from "./canonical.ts";
import type { Binding } from "./inline.ts";
import { FAILURE_REASONS, type FailureReason } from "../dispatch.ts";
import { hint } from "./nearest.ts";
import type { MapDimension, Run, Scalar } from "./spec.ts";
import { FLOW_KEYS, readFlow, readMapSource } from "./yaml-flow.ts";
import { readEnvironment } from "./yaml-environment.ts";
import { readInputs } from "./yaml-input.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";
import { readService } from "./yaml-service.ts";
import { readAlternatives, readPlacement, readResources } from "./yaml-resources.ts";
import { offsetOfValue, readAbove0, readBoolean, readNumber, readTexts } from "./yaml-value.ts";

const MAPPED_PIPELINE =
  'a task that stands for a pipeline has no "map": map the tasks in that pipeline, or submit it once for each value';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const TASK_KEYS = [
  "run",
  "needs",
  "inputs",
  "outputs",
  "resources",
  "map",
  "retries",
  "timeout",
  "env",
  "files",
  "environment",
  "stopGrace",
  "alternatives",
  "placement",
  "nodes",
  "preemptible",
  "checkpoint",
  "service",
  "keepOutputs",
] as const;
const TASK_LATER = new Set([
  "schedule",
  "on",
  "secrets",
  "ports",
  "container",
  "image",
  "priority",
  "concurrency",
  "notify",
  "readiness",
  "tracking",
]);
const RETRY_KEYS = ["limit", "backoff", "maxBackoff", "exitCodes", "reasons", "crashes"] as const;
const NONE: ReadonlySet<string> = new Set();

/** One entry under `tasks:`. What is wrong is added to the reader's issues, and left out. */
export function readTask(reader: NodeReader, entry: Entry): TaskDraft {
  const draft: Mutable<TaskDraft> = { name: entry.name, run: { kind: "command", argv: [] } };
  const where = `task "${entry.name}"`;
  const keys = reader.entries(entry.value, entry.path, where, entry.offset);
  if (!keys) return draft;
  const sub = keys.find(({ name }) => name === "pipeline");
  if (sub) return readHolder(reader, draft, sub, keys);
  for (const key of keys) readKey(reader, draft, key, where);
  if (!keys.some(({ name }) => name === "run" || name === "approve")) {
    reader.issue(
      entry.offset,
      [...entry.path, "run"],
      `${where} does not say what to run; add "run:" with a script or a list of arguments`,
    );
  }
  return draft;
}

const HOLDER_KEYS = ["pipeline", "params", "needs", "when", "if"] as const;

/** A task in whose place another pipeline stands. */
function readHolder(reader: NodeReader, draft: Mutable<TaskDraft>, sub: Entry, keys: readonly Entry[]): TaskDraft {
  let params: Record<string, Binding> = {};
  for (const key of keys) {
    switch (key.name as (typeof HOLDER_KEYS)[number] | "map") {
      case "pipeline":
        break;
      case "params":
        params = readBindings(reader, key);
        break;
      case "needs":
      case "when":
      case "if":
        readKey(reader, draft, key, `task "${draft.name}"`);
        break;
      case "map":
        reader.issue(key.offset, key.path, MAPPED_PIPELINE);
        break;
      default:
        reader.unknownKey(key, `a task that stands for a pipeline`, HOLDER_KEYS, NONE);
    }
  }
  const right = "the path of another pipeline's file would be right, like ./train.yaml";
  const path = reader.text(sub.value, sub.path, sub.offset, '"pipeline"', right);
  if (path === undefined) return draft;
  const spec = reader.readOther(path);
  if (typeof spec === "string") reader.issue(offsetOfValue(sub), sub.path, spec);
  else draft.sub = { spec, params };
  return draft;
}

function readBindings(reader: NodeReader, entry: Entry): Record<string, Binding> {
  const entries = reader.entries(entry.value, entry.path, '"params"', entry.offset) ?? [];
  return Object.fromEntries(
    entries.flatMap(({ name, value, path, offset }): [string, Binding][] => {
      const scalar = reader.scalar(value, path, offset, `parameter "${name}"`);
      if (scalar === undefined) return [];
      const bound = typeof scalar === "string" ? /^\{\{\s*params\.([A-Za-z][\w-]*)\s*\}\}$/.exec(scalar) : null;
      if (!bound && typeof scalar === "string" && scalar.includes("{{")) {
        const right = "a value would be right, or one parameter like {{ params.x }} and nothing else";
        reader.issue(offset, path, `parameter "${name}" is "${scalar}"; ${right}`);
      }
      return [[name, bound ? { param: bound[1]! } : { value: scalar }]];
    }),
  );
}

function readKey(reader: NodeReader, draft: Mutable<TaskDraft>, entry: Entry, where: string): void {
  switch (entry.name as (typeof TASK_KEYS)[number]) {
    case "run":
      draft.run = readRun(reader, entry) ?? draft.run;
      return;
    case "needs":
      draft.needs = readTexts(reader, entry, "a list of task names would be right, like [features]");
      return;
    case "inputs":
      Object.assign(draft, readInputs(reader, entry));
      return;
    case "outputs":
      draft.outputs = readRecord(
        reader,
        entry,
        'a path would be right, like "table.parquet", or "model/" for a folder',
      );
      return;
    case "resources":
      draft.resources = readResources(reader, entry);
      return;
    case "alternatives":
      draft.alternatives = readAlternatives(reader, entry);
      return;
    case "placement":
      draft.placement = readPlacement(reader, entry);
      return;
    case "nodes":
      draft.nodes = readNumber(reader, entry);
      return;
    case "preemptible":
      draft.preemptible = readBoolean(reader, entry);
      return;
    case "checkpoint":
      readCheckpoint(reader, draft, entry);
      return;
    case "map":
      readAnyMap(reader, draft, entry);
      return;
    case "retries":
      draft.retries = readRetries(reader, entry);
      return;
    case "timeout":
      draft.timeoutMs = readAbove0(reader, entry, "leave it out for no limit");
      return;
    case "env":
      draft.env = readRecord(reader, entry, 'a text would be right ("" for an empty one)');
      return;
    case "files":
      draft.files = readTexts(reader, entry, 'a list of patterns would be right, like ["src/**", "train.py"]');
      return;
    case "environment":
      draft.environment = readEnvironment(reader, entry);
      return;
    case "stopGrace":
      draft.stopGraceMs = readAbove0(reader, entry, "the shortest is 1ms");
      return;
    case "service":
      draft.service = readService(reader, entry);
      return;
    case "keepOutputs":
      draft.keepOutputs = readKeepOutputs(reader, entry);
      return;
    default: {
      const flow = readFlow(reader, entry);
      if (flow) draft.flow = { ...draft.flow, ...flow };
      else reader.unknownKey(entry, where, [...TASK_KEYS, ...FLOW_KEYS], TASK_LATER);
    }
  }
}

/** `keepOutputs: always`; there is no other word for it. */
function readKeepOutputs(reader: NodeReader, entry: Entry): boolean | undefined {
  const right = '"always" would be right; leave it out to keep them of attempts that succeed';
  const text = reader.text(entry.value, entry.path, entry.offset, '"keepOutputs"', right);
  if (text === undefined || text === "always") return text === "always";
  return reader.issue(offsetOfValue(entry), entry.path, `"keepOutputs" is "${text}"; ${right}`);
}

function readRun(reader: NodeReader, entry: Entry): Run | undefined {
  const node = reader.resolve(entry.value);
  if (isSeq(node)) {
    const argv = (node.items as Node[]).map((item, i) =>
      reader.text(
        item,
        [...entry.path, i],
        entry.offset,
        `argument ${i + 1}`,
        'a text would be right ("" for an empty one)',
      ),
    );
    return { kind: "command", argv: argv.map((arg) => arg ?? "?") };
  }
  const right =
    "a script would be right (one line, or a block after |), or a list of arguments like [python, train.py]";
  const script = reader.text(node, entry.path, entry.offset, '"run"', right);
  // So that one thing wrong is said once.
  return { kind: "script", script: script ?? ":" };
}

function readRecord(reader: NodeReader, entry: Entry, right: string): Record<string, string> {
  const entries = reader.entries(entry.value, entry.path, `"${entry.name}"`, entry.offset) ?? [];
  return Object.fromEntries(
    entries.flatMap((item) => {
      const text = reader.text(item.value, item.path, item.offset, `"${item.name}"`, right);
      return text === undefined ? [] : [[item.name, text]];
    }),
  );
}

/** `true`, or `{ every: 5m }`. */
function readCheckpoint(reader: NodeReader, draft: Mutable<TaskDraft>, entry: Entry): void {
  if (!isMap(reader.resolve(entry.value))) {
    draft.checkpoint = readBoolean(reader, entry);
    return;
  }
  draft.checkpoint = true;
  for (const item of reader.entries(entry.value, entry.path, '"checkpoint"', entry.offset) ?? []) {
    if (item.name === "every") draft.checkpointEveryMs = readAbove0(reader, item, "like 5m");
    else reader.unknownKey(item, '"checkpoint"', ["every"], NONE);
  }
}

function readAnyMap(reader: NodeReader, draft: Mutable<TaskDraft>, entry: Entry): void {
  const mapFrom = readMapSource(reader, entry);
  if (mapFrom) draft.flow = { ...draft.flow, mapFrom };
  else draft.map = readMap(reader, entry);
}

function readMap(reader: NodeReader, entry: Entry): MapDimension[] {
  const entries = reader.entries(entry.value, entry.path, '"map"', entry.offset) ?? [];
  return entries.flatMap((item): MapDimension[] => {
    const nodes = reader.items(item, "a list of values would be right, like [1, 2, 3]");
    if (!nodes) return [];
    const values = nodes.map(
      (node, i): Scalar =>
        reader.scalar(node, [...item.path, i], item.offset, `value ${i + 1} of "${item.name}"`) ?? null,
    );
    return [{ name: item.name, values }];
  });
}

function readRetries(reader: NodeReader, entry: Entry): NonNullable<TaskDraft["retries"]> {
  const retries: {
    limit?: number;
    backoffMs?: number | undefined;
    backoffMsMax?: number | undefined;
    exitCodes?: number[];
    reasons?: FailureReason[];
    crashes?: number | undefined;
  } = {};
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "number") return { limit: node.value };
  for (const item of reader.entries(node, entry.path, '"retries"', entry.offset) ?? []) {
    switch (item.name as (typeof RETRY_KEYS)[number]) {
      case "limit":
        retries.limit = readNumber(reader, item) ?? 0;
        break;
      case "backoff":
        retries.backoffMs = readAbove0(reader, item, "the shortest is 1ms");
        break;
      case "maxBackoff":
        retries.backoffMsMax = readAbove0(reader, item, "the shortest is 1ms");
        break;
      case "exitCodes":
        retries.exitCodes = (reader.items(item, "a list of exit codes would be right, like [75, 137]") ?? []).flatMap(
          (code, i) =>
            readNumber(reader, { ...item, path: [...item.path, i], offset: offsetOf(code), value: code }) ?? [],
        );
        break;
      case "reasons":
        retries.reasons = readReasons(reader, item);
        break;
      case "crashes":
        retries.crashes = readNumber(reader, item);
        break;
      default:
        reader.unknownKey(item, '"retries"', RETRY_KEYS, NONE);
    }
  }
  return retries;
}

function readReasons(reader: NodeReader, entry: Entry): FailureReason[] {
  const right = "a list of reasons would be right, like [timeout, out-of-memory]";
  return readTexts(reader, entry, right).flatMap((text, i) => {
    const known = FAILURE_REASONS.find((each) => each === text);
    const message = `"${text}" is no reason of a failure${hint(text, FAILURE_REASONS)}`;
    return known ?? reader.issue(offsetOfValue(entry), [...entry.path, i], message) ?? [];
  });
}
