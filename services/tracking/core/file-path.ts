import { invalid } from "./mlflow-error.ts";
import { normalPath } from "./name.ts";

/** Of a path behind the artifact proxy: a name in the index of paths must fit into a third of a page. */
const PATH_BYTES_MAX = 2_000;

/** Normalized and relative; empty for the root. Throws INVALID_PARAMETER_VALUE for what leaves the root, is absolute or is a URI. */
export function checkFilePath(given: string): string {
  const path = given.replace(/\/+$/, "");
  const unsafe =
    path.includes("\0") ||
    /^(?:\/|[a-zA-Z][a-zA-Z0-9+.-]*:)/.test(path) ||
    /[\\#?]/.test(path) ||
    path.split("/").some((part) => part === ".." || decodedParts(part).includes(".."));
  if (unsafe) throw invalid("Invalid path");
  if (Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw invalid(`Invalid path: it has more than ${PATH_BYTES_MAX} bytes: ${path.slice(0, 100)}…`);
  return path === "" ? "" : normalPath(path) === "." ? "" : normalPath(path);
}

/** What percent escapes in the name itself would stand for: some client may undo them once more. */
function decodedParts(part: string): string[] {
  try {
    return decodeURIComponent(part).split(/[/\\]/);
  } catch {
    return [];
  }
}

export function joinPath(...parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("/");
}

/** The path behind our artifact proxy that a URI stands for; undefined: its files lie elsewhere. */
export function proxyPath(uri: string): string | undefined {
  const match = /^mlflow-artifacts:(?:\/\/[^/]*)?\/?(.*)$/.exec(uri);
  return match === null ? undefined : match[1]!.replace(/\/+$/, "");
}

/** Folders that a file lies in, e.g. `a` and `a/b` of `a/b/c`. */
export function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** As browsers and clients ask; what is text by nature is shown as such. */
const TEXT = new Set(
  "txt log json yaml yml xml py js ts cfg conf ini toml md rst csv tsv sh properties html htm MLmodel MLproject".split(
    " ",
  ),
);
const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  svg: "image/svg+xml",
  webp: "image/webp",
  pdf: "application/pdf",
  zip: "application/zip",
  html: "text/html",
  htm: "text/html",
};

export function mimeType(path: string): string {
  const name = path.split("/").at(-1)!;
  const ending = name.includes(".") ? name.split(".").at(-1)! : name;
  return TYPES[ending.toLowerCase()] ?? (TEXT.has(ending) ? "text/plain" : "application/octet-stream");
}
