import { ERRORS, describeError, WeftError } from "../lib/core/error.ts";
import { WeftClientError } from "../sdk/index.ts";

/** Exit codes that scripts can use; README. */
export const EXIT = {
  ok: 0,
  jobFailed: 1,
  usage: 2,
  unreachable: 3,
  /** What was compared differs, where the command was asked to say so. */
  differs: 4,
  /** A pin of the job is missing, and nothing was run. */
  notReproducible: 5,
  interrupted: 130,
} as const;

/** The job ended otherwise than it should have; what there is to say has been said. */
export class JobFailed extends Error {}

/** What to write, and the exit code. */
export function explainFailure(error: unknown, debug: boolean): { message: string; exit: number } {
  if (error instanceof JobFailed) return { message: "", exit: EXIT.jobFailed };
  if (error instanceof WeftClientError || error instanceof WeftError) {
    const { exit } = ERRORS[error.code];
    const cause = error instanceof WeftClientError ? error.message : describeError(error);
    return { message: debug && error.stack ? error.stack : cause, exit };
  }
  // A bug of ours, or a machine in trouble: the stack says more than we could.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `unexpected: ${message}`, exit: EXIT.jobFailed };
}
