import { Metadata, status as Status, type ServiceError } from "@grpc/grpc-js";

/** What a caller can act on; the same words as everywhere in Weft. */
export type ClientErrorCode =
  | "invalid"
  | "not_found"
  | "conflict"
  | "too_large"
  | "failed_precondition"
  | "unavailable"
  | "corrupt"
  | "internal";

/** One thing wrong with what was sent: where in the pipeline, what, and what would be right. */
export interface ClientIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export class WeftClientError extends Error {
  readonly code: ClientErrorCode;
  readonly issues: readonly ClientIssue[];

  constructor(
    code: ClientErrorCode,
    message: string,
    options: { cause?: unknown; issues?: readonly ClientIssue[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WeftClientError";
    this.code = code;
    this.issues = options.issues ?? [];
  }
}

/** Trailers under which the server sends its own code and the issues; part of the contract. */
export const CODE_METADATA = "weft-code";
export const ISSUES_METADATA = "weft-issues-bin";

/** For statuses that gRPC made itself, and no word of the server stands behind. */
const CODES: Readonly<Record<number, ClientErrorCode>> = {
  [Status.CANCELLED]: "unavailable",
  [Status.INVALID_ARGUMENT]: "invalid",
  [Status.DEADLINE_EXCEEDED]: "unavailable",
  [Status.NOT_FOUND]: "not_found",
  [Status.ALREADY_EXISTS]: "conflict",
  [Status.RESOURCE_EXHAUSTED]: "too_large",
  [Status.FAILED_PRECONDITION]: "failed_precondition",
  [Status.UNIMPLEMENTED]: "failed_precondition",
  [Status.UNAVAILABLE]: "unavailable",
  [Status.DATA_LOSS]: "corrupt",
};
const WORDS: ReadonlySet<string> = new Set([...Object.values(CODES), "internal"]);

/** The error of a call to `address`, in Weft's words. `doing` tells what was tried. */
export function toClientError(error: unknown, address: string, doing: string): WeftClientError {
  if (error instanceof WeftClientError) return error;
  if (!isServiceError(error)) return new WeftClientError("internal", `${doing}: ${String(error)}`, { cause: error });
  const word = error.metadata.get(CODE_METADATA)[0];
  if (typeof word === "string" && WORDS.has(word)) {
    const issues = issuesOf(error.metadata);
    return new WeftClientError(word as ClientErrorCode, error.details, { cause: error, issues });
  }
  const code = CODES[error.code] ?? "internal";
  const message =
    error.code === Status.UNAVAILABLE
      ? `no Weft server answers at ${address}`
      : error.code === Status.DEADLINE_EXCEEDED
        ? `${doing}: ${address} gave no answer in time`
        : error.code === Status.UNIMPLEMENTED
          ? `${doing}: what answers at ${address} is no Weft server, or one of another version`
          : `${doing}: ${error.details}`;
  return new WeftClientError(code, message, { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  const candidate = error as Partial<ServiceError> | null;
  return error instanceof Error && typeof candidate?.code === "number" && candidate.metadata instanceof Metadata;
}

function issuesOf(metadata: Metadata): ClientIssue[] {
  const value = metadata.get(ISSUES_METADATA)[0];
  if (!Buffer.isBuffer(value)) return [];
  try {
    return JSON.parse(value.toString("utf8")) as ClientIssue[];
  } catch {
    return []; // Another server's use of the same trailer; its message still says what was wrong.
  }
}
