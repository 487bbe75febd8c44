import { isScalar } from "yaml";
import { parseDuration, type Parsed } from "../../../proto/units.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";

/** A list of texts; one alone may stand without brackets. */
export function readTexts(reader: NodeReader, entry: Entry, right: string): string[] {
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "string") return [node.value];
  const items = reader.items(entry, right) ?? [];
  return items.flatMap(
    (item, i) => reader.text(item, [...entry.path, i], entry.offset, `item ${i + 1} of "${entry.name}"`, right) ?? [],
  );
}

export function readQuantity(reader: NodeReader, entry: Entry, parse: (text: string) => Parsed): number | undefined {
  const text = reader.text(entry.value, entry.path, entry.offset, `"${entry.name}"`, "a quantity would be right");
  if (text === undefined) return undefined;
  const parsed = parse(text);
  return parsed.ok ? parsed.value : reader.issue(offsetOfValue(entry), entry.path, `${entry.name}: ${parsed.message}`);
}

export function readAbove0(reader: NodeReader, entry: Entry, remedy: string): number | undefined {
  const ms = readQuantity(reader, entry, parseDuration);
  if (ms === undefined || ms !== 0) return ms;
  return reader.issue(
    offsetOfValue(entry),
    entry.path,
    `"${entry.name}" is 0; a time above 0 would be right (${remedy})`,
  );
}

export function readNumber(reader: NodeReader, entry: Entry): number | undefined {
  const value = reader.scalar(entry.value, entry.path, entry.offset, `"${entry.name}"`);
  if (value === undefined || typeof value === "number") return value;
  return reader.issue(
    offsetOfValue(entry),
    entry.path,
    `"${entry.name}" is ${JSON.stringify(value)}; a number would be right`,
  );
}

export function offsetOfValue(entry: Entry): number {
  return entry.value === null ? entry.offset : offsetOf(entry.value);
}

export function readBoolean(reader: NodeReader, entry: Entry): boolean | undefined {
  const value = reader.scalar(entry.value, entry.path, entry.offset, `"${entry.name}"`);
  if (value === undefined || typeof value === "boolean") return value;
  return reader.issue(
    offsetOfValue(entry),
    entry.path,
    `"${entry.name}" is ${JSON.stringify(value)}; true or false would be right`,
  );
}
