import { isScalar } from "yaml";
import { WHEN, type Tolerance, type When } from "./flow.ts";
import { hint } from "./nearest.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";

/** `when: always`. */
export function readWhen(reader: NodeReader, entry: Entry): When | undefined {
  const text = reader.text(entry.value, entry.path, entry.offset, '"when"', `${WHEN.join(", ")} would be right`);
  if (text === undefined) return undefined;
  const known = WHEN.find((each) => each === text);
  if (known) return known;
  return reader.issue(placeOf(entry), entry.path, `"${text}" is no end of a task to wait for${hint(text, WHEN)}`);
}

/** `tolerate: 3` or `tolerate: 10%`. */
export function readTolerance(reader: NodeReader, entry: Entry): Tolerance | undefined {
  const right = 'a number of instances like 3, or a share like "10%" would be right';
  const node = reader.resolve(entry.value);
  if (isScalar(node) && typeof node.value === "number") return { count: node.value, share: 0 };
  const text = reader.text(node, entry.path, entry.offset, '"tolerate"', right);
  if (text === undefined) return undefined;
  const share = /^(\d+(?:\.\d+)?)\s*%$/.exec(text);
  if (share) return { count: 0, share: Number(share[1]) / 100 };
  return reader.issue(placeOf(entry), entry.path, `"tolerate" is "${text}"; ${right}`);
}

export function placeOf(entry: Entry): number {
  return entry.value === null ? entry.offset : offsetOf(entry.value);
}
