import { type ErrorCode, type Issue, WeftError } from "../../lib/core/error.ts";
import type { Answer } from "../core/index.ts";

/** Issues spelled out in the message itself, for clients that do not read the metadata. */
const ISSUES_SHOWN = 5;

/** The core's refusal as the caller's error. */
export function refusal(answer: Answer & { kind: "refused" }): WeftError {
  return withIssues(answer.code, answer.message, answer.issues);
}

/** An error whose message names the first of its issues. */
export function withIssues(code: ErrorCode, what: string, issues: readonly Issue[]): WeftError {
  if (issues.length === 0) return new WeftError(code, what);
  const shown = issues.slice(0, ISSUES_SHOWN).map(({ path, message }) => `${path.join(".")}: ${message}`);
  const more = issues.length > ISSUES_SHOWN ? [`and ${issues.length - ISSUES_SHOWN} more`] : [];
  return new WeftError(code, `${what}: ${[...shown, ...more].join("; ")}`, { issues });
}

export function expectDone(answer: Answer): void {
  if (answer.kind === "refused") throw refusal(answer);
  if (answer.kind !== "done") throw new Error(`the scheduler answered ${answer.kind} where done was expected`);
}
