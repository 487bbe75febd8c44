/**
 * MLflow's error codes and the HTTP status of each, as its clients expect them (mlflow/exceptions.py). Clients try 408,
 * 429 and every 5xx again for minutes, so that an expected failure must never carry one of those.
 */
export const MLFLOW_STATUS = {
  BAD_REQUEST: 400,
  INVALID_PARAMETER_VALUE: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  /** Of the caller's wish and not of the server: MLflow itself answers 500, which its client would repeat. */
  INVALID_STATE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  ENDPOINT_NOT_FOUND: 404,
  NOT_FOUND: 404,
  RESOURCE_DOES_NOT_EXIST: 404,
  RESOURCE_CONFLICT: 409,
  ABORTED: 409,
  /** Reading again gives the same bytes: MLflow itself answers 500, which its client would repeat. */
  DATA_LOSS: 422,
  REQUEST_LIMIT_EXCEEDED: 429,
  INTERNAL_ERROR: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
  RESOURCE_EXHAUSTED: 507,
} as const;

export type MlflowCode = keyof typeof MLFLOW_STATUS;

/** A failure that an MLflow client is told of: `{ error_code, message }` with the code's status. */
export class MlflowError extends Error {
  readonly code: MlflowCode;

  constructor(code: MlflowCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = "MlflowError";
    this.code = code;
  }
}

export const invalid = (message: string): MlflowError => new MlflowError("INVALID_PARAMETER_VALUE", message);
export const absent = (message: string): MlflowError => new MlflowError("RESOURCE_DOES_NOT_EXIST", message);

const SEE_DOCS = " See the API docs for more information about request parameters.";

export function missingValue(path: string): MlflowError {
  return invalid(`Missing value for required parameter '${path}'.${SEE_DOCS}`);
}

export function invalidType(path: string, value: unknown): MlflowError {
  return invalid(`${invalidValueText(path, value, ` Hint: Value was of type '${pythonType(value)}'.`)}${SEE_DOCS}`);
}

export function invalidValue(path: string, value: unknown, why?: string): MlflowError {
  return invalid(invalidValueText(path, value, why));
}

export function tooLong(entity: string, limit: number): MlflowError {
  return invalid(`${entity} exceeds the maximum length of ${limit} characters`);
}

function invalidValueText(path: string, value: unknown, why?: string): string {
  const text = `Invalid value ${jsonOf(value)} for parameter '${path}' supplied`;
  return why === undefined ? `${text}.` : `${text}: ${why}`;
}

/** Of a value in a message: what is longer is cut. */
const SHOWN_CHARS = 1_000;

/** As Python writes it: escapes beyond ASCII, and numbers that are none. */
function jsonOf(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const json = shallowJson(value);
  return (json.length > SHOWN_CHARS ? `${json.slice(0, SHOWN_CHARS)}…` : json).replaceAll(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function shallowJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    // It nests deeper than can be written: what it is says enough.
    return Array.isArray(value) ? "[…]" : "{…}";
  }
}

function pythonType(value: unknown): string {
  if (value === null || value === undefined) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return typeof value === "bigint" ? "int" : "dict";
}
