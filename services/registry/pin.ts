import type { ClientBase } from "pg";
import { PINNED_FOLDER, type ProxiedFile, proxiedUri, putFilesUnder, removeFilesUnder } from "../tracking/index.ts";

/**
 * Where the files of versions lie behind the artifact proxy: a folder for each, which nobody can write to, so that a version keeps its
 * bytes whatever happens to the run that they come from.
 */
const folderOf = (uid: string): string => `${PINNED_FOLDER}/${uid}`;

/** The address of the version's files. */
export async function pinVersion(
  client: ClientBase,
  uid: string,
  files: readonly ProxiedFile[],
  nowMs: number,
): Promise<string> {
  await putFilesUnder(client, folderOf(uid), files, nowMs);
  return proxiedUri(folderOf(uid));
}

/** The bytes are then only kept for who else names them. */
export async function unpinVersions(client: ClientBase, uids: readonly string[]): Promise<void> {
  await removeFilesUnder(client, uids.map(folderOf));
}
