import { isMap, isScalar, isSeq, type Node } from "yaml";
import { ANY_METRIC, type Approve, type MapSource, type ResultCache, WHEN, type Tolerance, type When } from "./flow.ts";
import { APPROVE_MS, type FlowDraft } from "./flow-proto.ts";
import { hint } from "./nearest.ts";
import { readRate } from "./yaml-admission.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";
import { readAbove0, readNumber, readTexts } from "./yaml-value.ts";

export const FLOW_KEYS = ["when", "if", "tolerate", "metricTolerance", "approve", "rate", "cache"] as const;

/** A key of a task that says when it runs and how it counts; undefined: it is another. */
export function readFlow(reader: NodeReader, entry: Entry): FlowDraft | undefined {
  switch (entry.name as (typeof FLOW_KEYS)[number]) {
    case "when":
      return { when: readWhen(reader, entry) };
    case "if": {
      const right = 'a condition would be right, like "params.n > 1"';
      return { if: reader.text(entry.value, entry.path, entry.offset, '"if"', right) };
    }
    case "tolerate":
      return { tolerate: readTolerance(reader, entry) };
    case "metricTolerance":
      return { metricTolerance: readMetricTolerance(reader, entry) };
    case "cache":
      return { cache: readCache(reader, entry) };
    case "rate":
      return { rate: readRate(reader, entry) };
    case "approve":
      return { approve: readApprove(reader, entry) };
    default:
      return undefined;
  }
}

function readWhen(reader: NodeReader, entry: Entry): When | undefined {
  const text = reader.text(entry.value, entry.path, entry.offset, '"when"', `${WHEN.join(", ")} would be right`);
  if (text === undefined) return undefined;
  const known = WHEN.find((each) => each === text);
  if (known) return known;
  return reader.issue(placeOf(entry), entry.path, `"${text}" is no end of a task to wait for${hint(text, WHEN)}`);
}

/** `approve: { by: [ann, bob], timeout: 24h, message: … }`. */
function readApprove(reader: NodeReader, entry: Entry): Approve | undefined {
  const approve = { by: [] as readonly string[], timeoutMs: APPROVE_MS, message: "" };
  const entries = reader.entries(entry.value, entry.path, '"approve"', entry.offset);
  if (!entries) return undefined;
  for (const item of entries) {
    switch (item.name) {
      case "by":
        approve.by = readTexts(reader, item, "a list of names would be right, like [ann, bob]");
        break;
      case "timeout":
        approve.timeoutMs = readAbove0(reader, item, "the default is 24h") ?? APPROVE_MS;
        break;
      case "message":
        approve.message = reader.text(item.value, item.path, item.offset, '"message"', "a text would be right") ?? "";
        break;
      default:
        reader.unknownKey(item, '"approve"', ["by", "timeout", "message"], new Set());
    }
  }
  return approve;
}

/** `cache: true`, or `{ ttl: 7d, params: [date] }`. */
function readCache(reader: NodeReader, entry: Entry): ResultCache | null | undefined {
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "boolean") return node.value ? { ttlMs: 0, params: null } : null;
  const found: { ttlMs: number; params: readonly string[] | null } = { ttlMs: 0, params: null };
  const entries = reader.entries(node, entry.path, '"cache"', entry.offset);
  if (!entries) return undefined;
  for (const item of entries) {
    if (item.name === "ttl") found.ttlMs = readAbove0(reader, item, "leave it out for any age") ?? 0;
    else if (item.name === "params")
      found.params = readTexts(reader, item, "a list of parameters would be right, like [date]");
    else reader.unknownKey(item, '"cache"', ["ttl", "params"], new Set());
  }
  return found;
}

/** `tolerate: 3` or `tolerate: 10%`. */
function readTolerance(reader: NodeReader, entry: Entry): Tolerance | undefined {
  const right = 'a number of instances like 3, or a share like "10%" would be right';
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "number") return { count: node.value, share: 0 };
  const text = reader.text(node, entry.path, entry.offset, '"tolerate"', right);
  if (text === undefined) return undefined;
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (share) return { count: 0, share: Number(share[1]) / 100 };
  return reader.issue(placeOf(entry), entry.path, `"tolerate" is "${text}"; ${right}`);
}

/** `metricTolerance: 0.01`, or `{ loss: 0.05, "*": 0.01 }`. */
function readMetricTolerance(reader: NodeReader, entry: Entry): Record<string, number> | undefined {
  const node = reader.resolve(entry.value);
  if (!isMap(node)) {
    const all = readNumber(reader, entry);
    return all === undefined ? undefined : { [ANY_METRIC]: all };
  }
  const found = (reader.entries(node, entry.path, '"metricTolerance"', entry.offset) ?? []).flatMap((item) => {
    const value = readNumber(reader, item);
    return value === undefined ? [] : [[item.name, value] as const];
  });
  return Object.fromEntries(found);
}

/** Of `map: { from: EXPRESSION, as: NAME }`; undefined: it is a map over what is written there (a list may be named "from" too). */
export function readMapSource(reader: NodeReader, entry: Entry): MapSource | undefined {
  const map = reader.resolve(entry.value);
  if (!isMap(map)) return undefined;
  const from = reader.resolve((map.get("from", true) as Node | undefined) ?? null);
  if (!isScalar(from)) return undefined;
  const source = { from: "", as: ["item"] };
  for (const item of reader.entries(map, entry.path, '"map"', entry.offset) ?? []) {
    if (item.name === "from") {
      const right = 'an expression that gives a list would be right, like "tasks.list.result"';
      source.from = reader.text(item.value, item.path, item.offset, '"from"', right) ?? "";
    } else if (item.name === "as") source.as = readNames(reader, item);
    else reader.unknownKey(item, '"map"', ["from", "as"], new Set());
  }
  return source;
}

function readNames(reader: NodeReader, entry: Entry): string[] {
  const right = "a name would be right, or a list of names of the elements' fields";
  const node = reader.resolve(entry.value);
  if (!isSeq(node)) return [reader.text(node, entry.path, entry.offset, '"as"', right) ?? "item"];
  return (node.items as Node[]).flatMap(
    (item, i) => reader.text(item, [...entry.path, i], entry.offset, `name ${i + 1} of "as"`, right) ?? [],
  );
}

export function placeOf(entry: Entry): number {
  return entry.value === null ? entry.offset : offsetOf(entry.value);
}
