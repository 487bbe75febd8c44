import type { Digest } from "./ids.ts";

/**
 * A folder as content. The manifest is itself stored in the artifact store, as the UTF-8 bytes of
 * `encodeTree`, and its digest is the folder's: equal folders have equal digests, equal files are stored once.
 * Modification times, owners and empty folders are not kept.
 */
export interface TreeManifest {
  readonly weft: "tree.v1";
  /** Sorted by path, by code unit. */
  readonly files: readonly TreeFile[];
}

export interface TreeFile {
  /** Relative, with "/", without "." or ".." parts. */
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly executable: boolean;
}

export function encodeTree(files: readonly TreeFile[]): string {
  const sorted = files.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return JSON.stringify({ weft: "tree.v1", files: sorted } satisfies TreeManifest);
}

/** Undefined when the text is no tree manifest, or a path in it would lead out of the folder. */
export function decodeTree(text: string): TreeManifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const tree = value as TreeManifest;
  if (tree?.weft !== "tree.v1" || !Array.isArray(tree.files)) return undefined;
  return tree.files.every((file) => isSafePath(file.path)) ? tree : undefined;
}

export function isSafePath(path: string): boolean {
  if (typeof path !== "string" || path === "" || path.startsWith("/") || path.includes("\0")) return false;
  return path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}
