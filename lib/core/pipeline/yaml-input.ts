import { isMap } from "yaml";
import { isDigest } from "../ids.ts";
import type { TaskDraft } from "./canonical.ts";
import { isOutside, sourceOf, splitDigest } from "./outside.ts";
import type { InputSpec, SourceSpec } from "./spec.ts";
import type { Entry, NodeReader } from "./yaml-node.ts";
import { offsetOfValue, readBoolean } from "./yaml-value.ts";

const KEYS = ["uri", "digest", "keep"] as const;
const NONE: ReadonlySet<string> = new Set();
const RIGHT =
  '"task.output" would be right, like "features.table", a data set like "dataset:flights@3", or a URI (https://, s3://, file://)';

/** `inputs:`: outputs of other tasks, and what comes from outside the job. */
export function readInputs(reader: NodeReader, entry: Entry): Pick<TaskDraft, "inputs" | "sources"> {
  const inputs: Record<string, InputSpec> = {};
  const sources: Record<string, SourceSpec> = {};
  for (const item of reader.entries(entry.value, entry.path, '"inputs"', entry.offset) ?? []) {
    if (isMap(reader.resolve(item.value))) {
      const source = readUri(reader, item);
      if (source) sources[item.name] = source;
      continue;
    }
    const text = reader.text(item.value, item.path, item.offset, `input "${item.name}"`, RIGHT);
    if (text === undefined) continue;
    const parts = text.split(".");
    if (isOutside(text)) sources[item.name] = splitDigest(text);
    else if (parts.length === 2 && parts.every((part) => part !== ""))
      inputs[item.name] = { task: parts[0]!, output: parts[1]! };
    else reader.issue(offsetOfValue(item), item.path, `input "${item.name}" is "${text}"; ${RIGHT}`);
  }
  return { inputs, sources };
}

/** `{ uri: https://…, digest: sha256:…, keep: false }`. */
function readUri(reader: NodeReader, entry: Entry): SourceSpec | undefined {
  let uri: string | undefined;
  let digest: string | undefined;
  let keep: boolean | undefined;
  for (const key of reader.entries(entry.value, entry.path, `input "${entry.name}"`, entry.offset) ?? []) {
    const text = (right: string): string | undefined =>
      reader.text(key.value, key.path, key.offset, `"${key.name}"`, right);
    if (key.name === "uri") uri = text("a URI would be right, like https://host/file.csv");
    else if (key.name === "keep") keep = readBoolean(reader, key);
    else if (key.name === "digest") {
      digest = text("a digest would be right, sha256: and 64 hex digits");
      if (digest !== undefined && !isDigest(digest))
        reader.issue(offsetOfValue(key), key.path, `"digest" is "${digest}"; it must be sha256: and 64 hex digits`);
    } else reader.unknownKey(key, `input "${entry.name}"`, KEYS, NONE);
  }
  if (uri === undefined) {
    return reader.issue(entry.offset, entry.path, `input "${entry.name}" has no "uri"; ${RIGHT}`);
  }
  return sourceOf(uri, digest !== undefined && isDigest(digest) ? digest : undefined, keep !== false, (message) =>
    reader.issue(entry.offset, entry.path, `input "${entry.name}" ${message}`),
  );
}
