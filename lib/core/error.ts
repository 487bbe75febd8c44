/**
 * The errors a caller can act on. `code` is stable; ERRORS maps it to each protocol's status.
 * gRPC statuses by number: google.golang.org/grpc/codes; exit codes: the CLI's contract (README).
 */
export const ERRORS = {
  invalid: { grpc: 3, http: 400, exit: 2 },
  not_found: { grpc: 5, http: 404, exit: 2 },
  conflict: { grpc: 6, http: 409, exit: 2 },
  too_large: { grpc: 8, http: 413, exit: 2 },
  failed_precondition: { grpc: 9, http: 412, exit: 2 },
  unavailable: { grpc: 14, http: 503, exit: 3 },
  disk_full: { grpc: 8, http: 507, exit: 1 },
  corrupt: { grpc: 15, http: 500, exit: 1 },
  internal: { grpc: 13, http: 500, exit: 1 },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One thing wrong with the input: where, what, and what would be right. */
export interface Issue {
  /** Path into the pipeline, e.g. ["tasks", "train", "resources", "cpus"]. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export class WeftError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; issues?: readonly Issue[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WeftError";
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

/** Metadata key under which gRPC errors carry `JSON.stringify(issues)`, and the one for the code. */
export const ISSUES_METADATA = "weft-issues-bin";
export const CODE_METADATA = "weft-code";

/** The message with those of its causes, outermost first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}
