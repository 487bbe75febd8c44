import type { Code as CodeProto } from "../../../proto/gen/weft/v1/Code.ts";
import type { Code } from "./spec.ts";

export function codeToProto(code: Code | null): CodeProto | null {
  if (code === null) return null;
  return {
    digest: code.digest,
    commit: code.commit ?? "",
    dirty: code.dirty,
    branch: code.branch ?? "",
    remote: code.remote ?? "",
    diff: code.diff?.digest ?? "",
    diffBytes: code.diff?.bytes ?? 0,
  };
}
