import { Metadata, status as Status, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import {
  CODE_METADATA,
  describeError,
  ERRORS,
  type ErrorCode,
  type Issue,
  ISSUES_METADATA,
  WeftError,
} from "../core/error.ts";

/**
 * Bytes of issues in the trailer. The smallest common limit on all metadata of a call is 8 KiB (grpc-java), base64 adds
 * a third, and a trailer over the limit would hide the error itself.
 */
const ISSUES_BYTES_MAX = 4 * 1024;
/** Characters of the status message, for the same reason. */
const DETAILS_LENGTH_MAX = 1500;

/** What a WeftError, or the status of a call that was passed on, looks like on the wire; undefined: a bug of ours. */
export function statusOf(error: unknown): Partial<StatusObject> | undefined {
  if (error instanceof WeftError) {
    const metadata = new Metadata();
    metadata.set(CODE_METADATA, error.code);
    if (error.issues.length > 0) metadata.set(ISSUES_METADATA, Buffer.from(encodeIssues(error.issues)));
    return { code: ERRORS[error.code].grpc as Status, details: shorten(describeError(error)), metadata };
  }
  return isServiceError(error) ? { code: error.code, details: error.details, metadata: error.metadata } : undefined;
}

export function isServiceError(error: unknown): error is ServiceError {
  const candidate = error as Partial<ServiceError> | null;
  return error instanceof Error && typeof candidate?.code === "number" && candidate.metadata instanceof Metadata;
}

/** The error a caller can act on. `doing` is put before the message of errors that the transport made. */
export function fromServiceError(error: unknown, doing: string): WeftError {
  if (!isServiceError(error)) return new WeftError("internal", doing, { cause: error });
  const sent = error.metadata.get(CODE_METADATA)[0];
  if (typeof sent === "string" && sent in ERRORS) {
    return new WeftError(sent as ErrorCode, error.details, { issues: decodeIssues(error.metadata) });
  }
  return new WeftError(TRANSPORT_CODES[error.code] ?? "internal", `${doing}: ${explain(error)}`);
}

/** Statuses that gRPC itself makes, or a proxy between, and that no WeftError stands behind. */
const TRANSPORT_CODES: Readonly<Record<number, ErrorCode>> = {
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

function explain(error: ServiceError): string {
  if (error.code === Status.DEADLINE_EXCEEDED) return `no answer in time (${error.details})`;
  if (error.code === Status.UNIMPLEMENTED)
    return `the server does not know this call; is it another version? (${error.details})`;
  return error.details;
}

function encodeIssues(issues: readonly Issue[]): string {
  const kept: Issue[] = [];
  let bytes = 2;
  for (const issue of issues) {
    bytes += Buffer.byteLength(JSON.stringify(issue)) + 1;
    if (bytes > ISSUES_BYTES_MAX) {
      kept.push({ path: [], message: `and ${issues.length - kept.length} more; correct these first` });
      break;
    }
    kept.push({ path: issue.path, message: issue.message });
  }
  return JSON.stringify(kept);
}

function decodeIssues(metadata: Metadata): Issue[] {
  const value = metadata.get(ISSUES_METADATA)[0];
  if (!Buffer.isBuffer(value)) return [];
  try {
    return JSON.parse(value.toString("utf8")) as Issue[];
  } catch {
    return []; // A peer that fills our key with something else; its message still says what was wrong.
  }
}

function shorten(text: string): string {
  return text.length <= DETAILS_LENGTH_MAX ? text : `${text.slice(0, DETAILS_LENGTH_MAX)}…`;
}
