import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import { putTree, type ArtifactClient } from "../lib/artifacts.ts";
import type { Assignment, OutputRef } from "../lib/core/dispatch.ts";
import { encodeTree, type TreeManifest } from "../lib/core/tree.ts";
import { digestBytes, digestFile } from "../lib/digest.ts";
import { packFolder, type PackedTree } from "../lib/tree.ts";
import { RESULT, WORKSPACE } from "./folder.ts";

/** An output that was declared is not there, or is not what was declared. */
export class OutputError extends Error {}

/** Name of the output that the file at $WEFT_RESULT becomes. */
const RESULT_OUTPUT = "result";
/** Of names that the message lists. */
const NAMES_MAX = 20;

/** One output read and digested: what is reported, and how it is sent. */
interface Collected {
  readonly output: OutputRef;
  readonly send: (artifacts: ArtifactClient) => Promise<void>;
}

/**
 * Stores what the attempt has made ("those there": without a word about what is missing), without sending bytes that the store has. Errors: OutputError naming output, path
 * and what is there instead; those of ArtifactClient; `invalid` for links that lead out of the workspace.
 */
export async function storeOutputs(
  artifacts: ArtifactClient,
  assignment: Assignment,
  folder: string,
  which: "all" | "those there" = "all",
): Promise<OutputRef[]> {
  const workspace = join(folder, WORKSPACE);
  // A link in its place would have us read, and publish, what lies elsewhere.
  if ((await realpath(workspace).catch(() => "")) !== workspace) {
    throw new OutputError(
      "the task has removed its workspace, or put a link in its place; its outputs cannot be found",
    );
  }
  const collected: Collected[] = [];
  for (const { name, path } of assignment.outputs) {
    const reading = path.endsWith("/")
      ? readFolder(workspace, name, path)
      : readFile(workspace, name, join(workspace, path), path);
    const read = await reading.catch((error: unknown) => {
      if (which === "all" || !(error instanceof OutputError)) throw error;
      return undefined;
    });
    if (read) collected.push(read);
  }
  const result = join(folder, RESULT);
  if (!assignment.outputs.some(({ name }) => name === RESULT_OUTPUT) && (await kindOf(result)) === "file") {
    collected.push(await readFile(folder, RESULT_OUTPUT, result, RESULT));
  }
  for (const { send } of collected) await send(artifacts);
  return collected.map(({ output }) => output);
}

async function readFile(base: string, name: string, full: string, path: string): Promise<Collected> {
  const kind = await kindOf(full);
  if (kind !== "file") throw await notThere(name, path, full, kind);
  const real = await realpath(full);
  const within = relative(base, real);
  if (within === ".." || within.startsWith(`..${sep}`)) {
    throw new OutputError(`output "${name}": ${path} links to ${real}, outside the workspace; copy it in`);
  }
  const { digest, bytes } = await digestFile(real);
  return {
    output: { name, digest, kind: "file", bytes, fileName: basename(path) },
    send: async (artifacts) => {
      if ((await artifacts.missing([digest])).length > 0) await artifacts.putFile(digest, real);
    },
  };
}

async function readFolder(workspace: string, name: string, path: string): Promise<Collected> {
  const inner = path.replace(/\/+$/, "");
  const full = join(workspace, inner);
  const kind = await kindOf(full);
  if (kind !== "folder") throw await notThere(name, path, full, kind);
  const packed = within(await packFolder(workspace, [inner]), inner);
  if (packed.manifest.files.length === 0) {
    throw new OutputError(`output "${name}": the folder ${path} is empty; the task ended without writing a file there`);
  }
  return {
    output: { name, digest: packed.digest, kind: "tree", bytes: packed.bytes, fileName: basename(inner) },
    send: (artifacts) => putTree(artifacts, packed, full),
  };
}

/** The tree as seen from the folder itself: links in it were followed within the whole workspace. */
function within(packed: PackedTree, folder: string): PackedTree {
  const files = packed.manifest.files.map((file) => ({ ...file, path: file.path.slice(folder.length + 1) }));
  const encoded = encodeTree(files);
  return { manifest: JSON.parse(encoded) as TreeManifest, encoded, digest: digestBytes(encoded), bytes: packed.bytes };
}

async function kindOf(path: string): Promise<"file" | "folder" | "other" | "nothing"> {
  try {
    const info = await stat(path);
    return info.isFile() ? "file" : info.isDirectory() ? "folder" : "other";
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return "nothing";
    throw error;
  }
}

async function notThere(
  name: string,
  path: string,
  full: string,
  kind: Awaited<ReturnType<typeof kindOf>>,
): Promise<OutputError> {
  const wanted = path.endsWith("/") ? "folder" : "file";
  if (kind === "folder")
    return new OutputError(`output "${name}": ${path} is a folder; to keep a folder, write "${path}/" in the pipeline`);
  if (kind === "file")
    return new OutputError(
      `output "${name}": ${path} is a file; to keep a file, write "${path.replace(/\/+$/, "")}" in the pipeline`,
    );
  if (kind === "other") return new OutputError(`output "${name}": ${path} is neither a file nor a folder`);
  return new OutputError(
    `output "${name}": the task ended without writing the ${wanted} ${path}; ${await neighbours(path, full)}`,
  );
}

/** What is where the output should be: most often a name that is nearly right. */
async function neighbours(path: string, full: string): Promise<string> {
  const folder = dirname(full);
  const place = dirname(path.replace(/\/+$/, ""));
  const where = place === "." ? "the workspace" : `${place}/`;
  let names: string[];
  try {
    names = (await readdir(folder, { withFileTypes: true }))
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .toSorted();
  } catch {
    return `${where} is not there`;
  }
  if (names.length === 0) return `${where} is empty`;
  const rest = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return `${where} holds ${names.slice(0, NAMES_MAX).join(", ")}${rest}`;
}
