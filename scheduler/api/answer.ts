import { WeftError } from "../../lib/core/error.ts";
import type { Answer } from "../core/index.ts";

/** The core's refusal as the caller's error. */
export function refusal(answer: Answer & { kind: "refused" }): WeftError {
  return new WeftError(answer.code, answer.message, { issues: answer.issues });
}

export function expectDone(answer: Answer): void {
  if (answer.kind === "refused") throw refusal(answer);
  if (answer.kind !== "done") throw new Error(`the scheduler answered ${answer.kind} where done was expected`);
}
