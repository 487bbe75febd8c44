import picomatch from "picomatch";

/** A glob, or the name of a folder for all that is in it; no globs: every file. */
export function fileFilter(globs: readonly string[]): (path: string) => boolean {
  if (globs.length === 0) return () => true;
  const patterns = globs.map((glob) => glob.replace(/^\.\//, "").replace(/\/$/, ""));
  const matches = picomatch(patterns, { dot: true });
  return (path) => matches(path) || patterns.some((pattern) => path.startsWith(`${pattern}/`));
}
