import { readFileSync, statSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { putTree } from "../lib/artifacts.ts";
import { describeError, WeftError } from "../lib/core/error.ts";
import { LIMITS } from "../lib/core/pipeline/limits.ts";
import { formatIssue, type LocatedIssue } from "../lib/core/pipeline/source.ts";
import { formatSize } from "../lib/core/pipeline/units.ts";
import { readPipeline, type Read } from "../lib/core/pipeline/yaml.ts";
import { digestBytes } from "../lib/digest.ts";
import { packFolder } from "../lib/tree.ts";
import { type SubmitOptions, type WeftClient, WeftClientError } from "../sdk/index.ts";
import { listFolder } from "./pack.ts";
import { withStore } from "./session.ts";

const FILE_NAMES = ["weft.yaml", "weft.yml"];

export interface PipelineFile {
  readonly file: string;
  readonly read: Read & { readonly ok: true };
}

/** The pipeline of a file, or of the folder that holds it. Throws `invalid` that shows each issue in the file. */
export async function openPipeline(fileOrFolder: string): Promise<PipelineFile> {
  const file = await findFile(fileOrFolder);
  const read = await readFileOf(file);
  if (!read.ok) throw refusal(file, read.issues);
  return { file, read };
}

/** What the server finds wrong is shown in the file, as what is found here. */
export async function showingIssues<T>({ file, read }: PipelineFile, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof WeftClientError) || error.issues.length === 0) throw error;
    throw refusal(file, error.issues.map(read.locate));
  }
}

async function findFile(fileOrFolder: string): Promise<string> {
  const info = await stat(fileOrFolder).catch(() => undefined);
  if (!info)
    throw new WeftError("invalid", `there is no ${fileOrFolder}; name a weft.yaml, or the folder that holds one`);
  if (!info.isDirectory()) return fileOrFolder;
  for (const name of FILE_NAMES) {
    const file = join(fileOrFolder, name);
    if (
      await stat(file).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return file;
  }
  throw new WeftError("invalid", `the folder ${fileOrFolder} holds no ${FILE_NAMES[0]}; name the pipeline's file`);
}

/** Seen from the file that names it. */
function resolve(from: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(from), path);
}

/** A pipeline that another names; at once, since it is put into that. */
function read(file: string): string {
  const { size } = statSync(file);
  if (size > LIMITS.fileBytes)
    throw new Error(`it has ${formatSize(size)}; a pipeline has at most ${formatSize(LIMITS.fileBytes)}`);
  return new TextDecoder("utf8", { fatal: true }).decode(readFileSync(file));
}

async function readFileOf(file: string): Promise<Read> {
  try {
    const { size } = await stat(file);
    // Not read at all: a data file named by mistake can have any size.
    if (size > LIMITS.fileBytes) {
      throw new WeftError(
        "too_large",
        `${file} has ${formatSize(size)}; a pipeline has at most ${formatSize(LIMITS.fileBytes)} (keep data in files of their own, and use a map for many like tasks)`,
      );
    }
    const bytes = await readFile(file);
    return readPipeline(new TextDecoder("utf8", { fatal: true }).decode(bytes), shown(file), { resolve, read });
  } catch (error) {
    if (error instanceof WeftError) throw error;
    const what = error instanceof TypeError ? "is not UTF-8 text" : `cannot be read: ${describeError(error)}`;
    throw new WeftError("invalid", `${file} ${what}`, { cause: error });
  }
}

const shown = (file: string): string => file.replace(/^\.\//, "");

function refusal(file: string, issues: readonly LocatedIssue[]): WeftError {
  const count = issues.length === 1 ? "one thing is wrong" : `${issues.length} things are wrong`;
  return new WeftError(
    "invalid",
    `${count} in ${shown(file)}\n\n${issues.map((issue) => formatIssue(shown(file), issue)).join("\n\n")}`,
  );
}

/** Packs the folder and sends what the store lacks of it. */
export async function sendFolder(client: WeftClient, folder: string): Promise<NonNullable<SubmitOptions["code"]>> {
  const content = await listFolder(folder);
  const packed = await packFolder(folder, content.paths);
  const { commit, dirty, origin } = content;
  const diff = origin?.diff ? { digest: digestBytes(origin.diff), bytes: origin.diff.length } : null;
  await withStore(client, async (store) => {
    await putTree(store, packed, folder);
    if (diff !== null) await store.putBytes(diff.digest, origin!.diff!);
  });
  return { digest: packed.digest, commit, dirty, branch: origin?.branch ?? null, remote: origin?.remote ?? null, diff };
}
