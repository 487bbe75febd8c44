import { createTwoFilesPatch } from "diff";
import type { ArtifactClient } from "../lib/artifacts.ts";
import { WeftError } from "../lib/core/error.ts";
import { type Digest, isDigest } from "../lib/core/ids.ts";
import type { Change } from "../services/tracking/index.ts";

/** Of a file whose text is compared: no source is longer, and tables and weights are. */
const FILE_BYTES_MAX = 1024 * 1024;
/** Lines that differ; with more the comparison takes minutes, and nobody reads it. */
const EDITS_MAX = 20_000;

/** The unified difference of a changed file, or a line that says why there is none; undefined: no file's change. */
export async function patchOf(store: ArtifactClient, { kind, name, a, b }: Change): Promise<string | undefined> {
  if (kind !== "file" && kind !== "lock") return undefined;
  const [before, after] = await Promise.all([textOf(store, a), textOf(store, b)]);
  if ("why" in before) return `${name}: ${before.why}\n`;
  if ("why" in after) return `${name}: ${after.why}\n`;
  const patch = createTwoFilesPatch(
    a === null ? "/dev/null" : `a/${name}`,
    b === null ? "/dev/null" : `b/${name}`,
    before.text,
    after.text,
    undefined,
    undefined,
    { maxEditLength: EDITS_MAX },
  );
  return patch === undefined ? `${name}: differs in more than ${EDITS_MAX} lines\n` : patch.replace(/^=+\n/, "");
}

type Text = { readonly text: string } | { readonly why: string };

async function textOf(store: ArtifactClient, digest: Change["a"]): Promise<Text> {
  if (digest === null) return { text: "" };
  if (typeof digest !== "string" || !isDigest(digest)) return { why: "no digest is known" };
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of (await store.open(digest as Digest)) as AsyncIterable<Buffer>) {
      if ((length += chunk.length) > FILE_BYTES_MAX) return { why: `has more than ${FILE_BYTES_MAX} bytes` };
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    return bytes.includes(0) ? { why: "is no text" } : { text: bytes.toString("utf8") };
  } catch (error) {
    if (error instanceof WeftError && error.code === "not_found") return { why: `the store does not have ${digest}` };
    throw error;
  }
}
