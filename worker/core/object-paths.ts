import { utf8Bytes } from "../../lib/core/pipeline/limits.ts";
import { isSafePath } from "../../lib/core/tree.ts";

/** What file systems take of one part of a path. */
const PART_BYTES_MAX = 255;

/** Why the names of objects cannot be those of files in one folder; undefined: they can. */
export function pathsProblem(paths: readonly string[]): string | undefined {
  const files = new Set(paths);
  for (const path of paths) {
    if (!isSafePath(path) || path.split("/").some((part) => utf8Bytes(part) > PART_BYTES_MAX))
      return `the object ${path} has no name that a file can have`;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (files.has(folder)) return `${folder} is an object, and ${path} lies below it, which no folder can hold`;
    }
  }
  return undefined;
}
