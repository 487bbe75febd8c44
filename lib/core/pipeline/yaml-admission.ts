import { isScalar } from "yaml";
import { type Concurrency, POLICIES, type Rate } from "./admission.ts";
import { hint } from "./nearest.ts";
import type { Entry, NodeReader } from "./yaml-node.ts";
import { offsetOfValue, readAbove0, readNumber } from "./yaml-value.ts";

/** `concurrency: NAME`, or `{ group, policy, limit }`. */
export function readConcurrency(reader: NodeReader, entry: Entry): Concurrency | undefined {
  const right = "a name would be right, or a mapping of group, policy and limit";
  const found = { group: "", policy: "queue" as Concurrency["policy"], limit: 1 };
  const node = reader.resolve(entry.value);
  if (isScalar(node)) {
    found.group = reader.text(node, entry.path, entry.offset, '"concurrency"', right) ?? "";
    return found;
  }
  const entries = reader.entries(node, entry.path, '"concurrency"', entry.offset);
  if (!entries) return undefined;
  for (const item of entries) {
    switch (item.name) {
      case "group":
        found.group = reader.text(item.value, item.path, item.offset, '"group"', "a name would be right") ?? "";
        break;
      case "policy":
        found.policy = readPolicy(reader, item) ?? "queue";
        break;
      case "limit":
        found.limit = readNumber(reader, item) ?? 1;
        break;
      default:
        reader.unknownKey(item, '"concurrency"', ["group", "policy", "limit"], new Set());
    }
  }
  return found;
}

function readPolicy(reader: NodeReader, entry: Entry): Concurrency["policy"] | undefined {
  const text = reader.text(entry.value, entry.path, entry.offset, '"policy"', `${POLICIES.join(", ")} would be right`);
  if (text === undefined) return undefined;
  const known = POLICIES.find((each) => each === text);
  return known ?? reader.issue(offsetOfValue(entry), entry.path, `"${text}" is no policy${hint(text, POLICIES)}`);
}

/** `rate: { limit: 10, per: 1m, key: api }`. */
export function readRate(reader: NodeReader, entry: Entry): Rate | undefined {
  const found = { limit: 0, perMs: 0, key: "" };
  const entries = reader.entries(entry.value, entry.path, '"rate"', entry.offset);
  if (!entries) return undefined;
  for (const item of entries) {
    switch (item.name) {
      case "limit":
        found.limit = readNumber(reader, item) ?? 1;
        break;
      case "per":
        found.perMs = readAbove0(reader, item, "the shortest is 1ms") ?? 1;
        break;
      case "key":
        found.key = reader.text(item.value, item.path, item.offset, '"key"', "a name would be right") ?? "";
        break;
      default:
        reader.unknownKey(item, '"rate"', ["limit", "per", "key"], new Set());
    }
  }
  for (const [key, value] of [
    ["limit", found.limit],
    ["per", found.perMs],
  ] as const) {
    if (value === 0 && !entries.some(({ name }) => name === key))
      reader.issue(entry.offset, entry.path, `"rate" does not say "${key}"; write it like { limit: 10, per: 1m }`);
  }
  return found;
}
