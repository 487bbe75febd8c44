import { ENVIRONMENT_KEYS, environmentOfParts, type EnvironmentKey } from "./environment.ts";
import type { Environment } from "./spec.ts";
import type { Entry, NodeReader } from "./yaml-node.ts";

const KEYS = Object.keys(ENVIRONMENT_KEYS) as EnvironmentKey[];
const LATER = new Set(["conda"]);

/** `environment:` of a task; undefined when nothing usable is there. */
export function readEnvironment(reader: NodeReader, entry: Entry): Environment | undefined {
  const parts: Partial<Record<EnvironmentKey, string>> = {};
  const places = new Map<EnvironmentKey, Entry>();
  for (const item of reader.entries(entry.value, entry.path, '"environment"', entry.offset) ?? []) {
    const key = KEYS.find((name) => name === item.name);
    if (!key) {
      reader.unknownKey(item, `"environment" (variables stand under "env")`, KEYS, LATER);
      continue;
    }
    const text = reader.text(item.value, item.path, item.offset, `"${key}"`, ENVIRONMENT_KEYS[key]);
    if (text === undefined) continue;
    parts[key] = text;
    places.set(key, item);
  }
  return environmentOfParts(parts, (key, message) => {
    const place = places.get(key)!;
    reader.issue(place.offset, place.path, message);
  });
}
