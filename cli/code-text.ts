import { formatSize } from "../lib/core/pipeline/units.ts";
import type { Code } from "../sdk/index.ts";
import { printable } from "./terminal.ts";

/** "sha256:" and 12 digits: enough to tell apart, short enough to read. */
const DIGEST_SHOWN = 19;

/** The commit and whether it was changed, or the digest where there is none. */
export function shortCode(code: Code | null): string {
  if (code === null) return "no code";
  return code.commit
    ? `${code.commit.slice(0, 12)}${code.dirty ? " with changes" : ""}`
    : code.digest.slice(0, DIGEST_SHOWN);
}

/** The same with where it came from. */
export function longCode(code: Code): string {
  const origin = [code.branch && `branch ${code.branch}`, code.remote && `of ${code.remote}`].filter(Boolean).join(" ");
  const diff = code.diff ? `changes ${code.diff.digest.slice(0, DIGEST_SHOWN)} (${formatSize(code.diff.bytes)})` : "";
  return [shortCode(code), printable(origin), diff].filter(Boolean).join(", ");
}
