import { isScalar, isSeq, type Node } from "yaml";
import { parseDuration } from "../../../proto/units.ts";
import type { Scalar } from "./spec.ts";
import {
  defaultWindowMs,
  type EndState,
  type MissedPolicy,
  TRIGGER_DEFAULTS,
  TRIGGER_KINDS,
  type TriggerKind,
  type TriggerSource,
  type TriggerSpec,
} from "./trigger.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";

/** Push and alerts come with delivery and monitoring. */
const KINDS_LATER = new Set(["push", "alert"]);
const COMMON_KEYS = ["name", "params", "dedupe", "cooldown"] as const;
const SOURCE_KEYS: Readonly<Record<TriggerKind, readonly string[]>> = {
  schedule: ["cron", "timezone", "missed", "missedMax"],
  nats: ["subject"],
  webhook: ["signature"],
  data: ["pipeline", "task", "output", "from"],
  job: ["pipeline", "states"],
  manual: [],
};
/** What a text alone stands for. */
const SHORT: Readonly<Record<TriggerKind, string>> = {
  schedule: "cron",
  nats: "subject",
  webhook: "signature",
  data: "output",
  job: "pipeline",
  manual: "name",
};
const NONE: ReadonlySet<string> = new Set();

/** `on:`, a mapping of kinds to one trigger or a list of them. */
export function readTriggers(reader: NodeReader, entry: Entry): TriggerSpec[] {
  return (reader.entries(entry.value, entry.path, '"on"', entry.offset) ?? []).flatMap((item) => {
    const kind = TRIGGER_KINDS.find((known) => known === item.name);
    if (!kind) {
      reader.unknownKey(item, '"on"', TRIGGER_KINDS, KINDS_LATER);
      return [];
    }
    const node = reader.resolve(item.value);
    if (!isSeq(node)) return [readTrigger(reader, kind, item)];
    return (node.items as Node[]).map((each, i) =>
      readTrigger(reader, kind, { name: item.name, path: [...item.path, i], offset: offsetOf(each), value: each }),
    );
  });
}

/** The texts and numbers of one trigger, as they stand. */
interface Fields {
  readonly texts: Record<string, string>;
  missedMax: number;
  states: string[];
  params: Record<string, Scalar>;
  dedupeWindowMs: number | undefined;
  dedupeKey: string;
  cooldownMs: number;
}

function readTrigger(reader: NodeReader, kind: TriggerKind, entry: Entry): TriggerSpec {
  const fields: Fields = {
    texts: {},
    missedMax: TRIGGER_DEFAULTS.missedMax,
    states: ["succeeded"],
    params: {},
    dedupeWindowMs: undefined,
    dedupeKey: "",
    cooldownMs: 0,
  };
  const node = reader.resolve(entry.value);
  if (node === null || (isScalar(node) && (node.value === true || node.value === null))) {
    // `manual: true`, `webhook:`: nothing is to be said about these.
    if (kind !== "manual" && kind !== "webhook") {
      reader.issue(
        entry.offset,
        entry.path,
        `"${kind}" has no value; give "${SHORT[kind]}" or a mapping of ${SOURCE_KEYS[kind].join(", ")}`,
      );
    }
  } else if (isScalar(node)) {
    fields.texts[SHORT[kind]] = reader.text(node, entry.path, entry.offset, `"${kind}"`, "a text would be right") ?? "";
  } else {
    for (const key of reader.entries(node, entry.path, `"${kind}"`, entry.offset) ?? [])
      readField(reader, kind, fields, key);
  }
  const source = sourceOf(reader, kind, fields, entry);
  return {
    name: fields.texts["name"] ?? kind,
    source,
    params: fields.params,
    dedupeWindowMs: fields.dedupeWindowMs ?? defaultWindowMs(source),
    dedupeKey: fields.dedupeKey,
    cooldownMs: fields.cooldownMs,
  };
}

function readField(reader: NodeReader, kind: TriggerKind, fields: Fields, entry: Entry): void {
  const known = [...SOURCE_KEYS[kind], ...COMMON_KEYS];
  if (!known.includes(entry.name)) return reader.unknownKey(entry, `trigger "${kind}"`, known, NONE);
  switch (entry.name) {
    case "params":
      fields.params = readParams(reader, entry);
      return;
    case "cooldown":
      fields.cooldownMs = readDuration(reader, entry) ?? 0;
      return;
    case "dedupe":
      return readDedupe(reader, fields, entry);
    case "missedMax": {
      const value = reader.scalar(entry.value, entry.path, entry.offset, '"missedMax"');
      if (typeof value === "number") fields.missedMax = value;
      else if (value !== undefined)
        reader.issue(entry.offset, entry.path, `"missedMax" is ${JSON.stringify(value)}; a number would be right`);
      return;
    }
    case "states":
      fields.states = readTexts(reader, entry);
      return;
    default: {
      const text = reader.text(entry.value, entry.path, entry.offset, `"${entry.name}"`, "a text would be right");
      if (text !== undefined) fields.texts[entry.name] = text;
    }
  }
}

function sourceOf(
  reader: NodeReader,
  kind: TriggerKind,
  { texts, missedMax, states }: Fields,
  entry: Entry,
): TriggerSource {
  const need = (name: string): string => {
    if (texts[name] === undefined)
      reader.issue(entry.offset, [...entry.path, name], `a trigger of kind "${kind}" needs "${name}"`);
    return texts[name] ?? "";
  };
  switch (kind) {
    case "schedule":
      return {
        kind,
        cron: need("cron"),
        timezone: texts["timezone"] ?? TRIGGER_DEFAULTS.timezone,
        missed: (texts["missed"] ?? TRIGGER_DEFAULTS.missed) as MissedPolicy,
        missedMax,
      };
    case "nats":
      return { kind, subject: need("subject") };
    case "webhook":
      return { kind, signature: (texts["signature"] ?? TRIGGER_DEFAULTS.signature) as "standard" };
    case "data":
      return dataSource(texts, need, (name) =>
        reader.issue(
          entry.offset,
          [...entry.path, name],
          `"${name}" means nothing beside "from"; take one of them away`,
        ),
      );
    case "job":
      return { kind, pipeline: need("pipeline"), states: states as EndState[] };
    case "manual":
      return { kind };
  }
}

/** Also "dataset:NAME", "model:NAME", "pipeline.output" and "pipeline.task.output". */
function dataSource(
  texts: Record<string, string>,
  need: (name: string) => string,
  unwanted: (name: string) => void,
): TriggerSource {
  const from = texts["from"] ?? (/^(?:dataset|model):/.test(texts["output"] ?? "") ? texts["output"] : undefined);
  if (from !== undefined) {
    const beside = ["pipeline", "task", ...(from === texts["output"] ? [] : ["output"])].filter((key) => key in texts);
    for (const key of beside) unwanted(key);
    return { kind: "data", from };
  }
  const parts = texts["pipeline"] === undefined ? (texts["output"] ?? "").split(".") : [];
  if (parts.length === 2) return { kind: "data", pipeline: parts[0]!, task: texts["task"] ?? null, output: parts[1]! };
  if (parts.length === 3) return { kind: "data", pipeline: parts[0]!, task: parts[1]!, output: parts[2]! };
  return { kind: "data", pipeline: need("pipeline"), task: texts["task"] ?? null, output: need("output") };
}

function readParams(reader: NodeReader, entry: Entry): Record<string, Scalar> {
  const entries = reader.entries(entry.value, entry.path, '"params"', entry.offset) ?? [];
  return Object.fromEntries(
    entries.flatMap(({ name, value, path, offset }): [string, Scalar][] => {
      const scalar = reader.scalar(value, path, offset, `parameter "${name}"`);
      return scalar === undefined ? [] : [[name, scalar]];
    }),
  );
}

/** `10m`, or `{ window: 10m, key: "{{ payload.id }}" }`. */
function readDedupe(reader: NodeReader, fields: Fields, entry: Entry): void {
  const node = reader.resolve(entry.value);
  if (isScalar(node)) {
    fields.dedupeWindowMs = readDuration(reader, entry);
    return;
  }
  for (const item of reader.entries(node, entry.path, '"dedupe"', entry.offset) ?? []) {
    if (item.name === "window") fields.dedupeWindowMs = readDuration(reader, item);
    else if (item.name === "key") {
      fields.dedupeKey =
        reader.text(
          item.value,
          item.path,
          item.offset,
          '"key"',
          'a template would be right, like "{{ payload.id }}"',
        ) ?? "";
    } else reader.unknownKey(item, '"dedupe"', ["window", "key"], NONE);
  }
  if (fields.dedupeKey !== "" && fields.dedupeWindowMs === undefined) {
    reader.issue(entry.offset, [...entry.path, "window"], '"dedupe" has a key and no window; add "window:", like 10m');
  }
}

function readDuration(reader: NodeReader, entry: Entry): number | undefined {
  const text = reader.text(
    entry.value,
    entry.path,
    entry.offset,
    `"${entry.name}"`,
    "a duration would be right, like 10m",
  );
  if (text === undefined) return undefined;
  const parsed = parseDuration(text);
  if (parsed.ok) return parsed.value;
  return reader.issue(
    entry.value === null ? entry.offset : offsetOf(entry.value),
    entry.path,
    `${entry.name}: ${parsed.message}`,
  );
}

/** A list of texts; one alone may stand without brackets. */
export function readTexts(reader: NodeReader, entry: Entry): string[] {
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "string") return [node.value];
  return (reader.items(entry, "a text or a list of texts would be right") ?? []).flatMap(
    (item, i) =>
      reader.text(
        item,
        [...entry.path, i],
        entry.offset,
        `item ${i + 1} of "${entry.name}"`,
        "a text would be right",
      ) ?? [],
  );
}
