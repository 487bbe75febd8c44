import protobuf from "protobufjs";
import { invalid } from "../mlflow-error.ts";

/**
 * OTLP's request for traces, the parts that are kept. Field numbers: opentelemetry/proto/{collector/trace/v1/trace_service,
 * trace/v1/trace, common/v1/common, resource/v1/resource}.proto. JSON has the same names in camel case.
 */
const SCHEMA = `
  syntax = "proto3";
  message Export { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
    SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10;
    repeated Event events = 11; uint32 dropped_events_count = 12;
    repeated Link links = 13; uint32 dropped_links_count = 14;
    Status status = 15; fixed32 flags = 16;
  }
  enum SpanKind {
    SPAN_KIND_UNSPECIFIED = 0; SPAN_KIND_INTERNAL = 1; SPAN_KIND_SERVER = 2; SPAN_KIND_CLIENT = 3; SPAN_KIND_PRODUCER = 4;
    SPAN_KIND_CONSUMER = 5;
  }
  message Event {
    fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4;
  }
  message Link {
    bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4;
    uint32 dropped_attributes_count = 5; fixed32 flags = 6;
  }
  message Status { string message = 2; StatusCode code = 3; }
  enum StatusCode { STATUS_CODE_UNSET = 0; STATUS_CODE_OK = 1; STATUS_CODE_ERROR = 2; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value {
      string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
      ArrayValue array_value = 5; KeyValueList kvlist_value = 6; bytes bytes_value = 7;
    }
  }
  message ArrayValue { repeated AnyValue values = 1; }
  message KeyValueList { repeated KeyValue values = 1; }
`;

const snake = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("Export");
const camel = protobuf.parse(SCHEMA, { keepCase: false }).root.lookupType("Export");

export interface OtlpSpan {
  /** 32 and 16 hex digits. */
  readonly traceId: string;
  readonly spanId: string;
  /** Null: it is its trace's root. */
  readonly parentId: string | null;
  readonly name: string;
  /** OK, ERROR or UNSET. */
  readonly status: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Simple values as they are, others as JSON text. */
  readonly attributes: ReadonlyMap<string, string | number | boolean>;
  /** The span as protobuf's JSON with the names of the .proto: what MLflow's clients are given back. */
  readonly json: string;
}

type AnyValue = Readonly<Record<string, unknown>>;
interface RawSpan {
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly parent_span_id?: string;
  readonly name?: string;
  readonly status?: { readonly code?: string };
  readonly start_time_unix_nano?: string;
  readonly end_time_unix_nano?: string;
  readonly attributes?: readonly { readonly key?: string; readonly value?: AnyValue }[];
}

/** `body` as its media type says, uncompressed. Throws INVALID_PARAMETER_VALUE for what is no request of OTLP. */
export function readOtlp(body: Uint8Array, mediaType: "application/x-protobuf" | "application/json"): OtlpSpan[] {
  const request = decode(body, mediaType) as {
    readonly resource_spans?: readonly { readonly scope_spans?: readonly { readonly spans?: readonly RawSpan[] }[] }[];
  };
  if (!request.resource_spans?.length) throw invalid("Invalid OpenTelemetry format - no spans found");
  return request.resource_spans.flatMap(({ scope_spans: scopes = [] }) =>
    scopes.flatMap(({ spans = [] }) => spans.map(spanOf)),
  );
}

function decode(body: Uint8Array, mediaType: string): object {
  try {
    const message =
      mediaType === "application/json"
        ? snake.decode(
            camel.encode(camel.fromObject(withBase64Ids(JSON.parse(Buffer.from(body).toString())) as object)).finish(),
          )
        : snake.decode(body);
    return snake.toObject(message, { longs: String, enums: String, bytes: String });
  } catch (error) {
    throw invalid(`Invalid OpenTelemetry format: ${(error as Error).message}`);
  }
}

/** OTLP's JSON has ids in hex where protobuf's JSON has base64. */
function withBase64Ids(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBase64Ids);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      /^(?:traceId|spanId|parentSpanId)$/.test(key) && typeof inner === "string"
        ? [key, Buffer.from(inner, "hex").toString("base64")]
        : [key, withBase64Ids(inner)],
    ),
  );
}

function spanOf(raw: RawSpan): OtlpSpan {
  const traceId = idOf(raw.trace_id, 16, "trace_id");
  const parentId = raw.parent_span_id ? idOf(raw.parent_span_id, 8, "parent_span_id") : null;
  return {
    traceId,
    spanId: idOf(raw.span_id, 8, "span_id"),
    parentId,
    name: raw.name ?? "",
    status: (raw.status?.code ?? "STATUS_CODE_UNSET").replace("STATUS_CODE_", ""),
    startNs: BigInt(raw.start_time_unix_nano ?? "0"),
    endNs: BigInt(raw.end_time_unix_nano ?? "0"),
    attributes: new Map((raw.attributes ?? []).map(({ key = "", value = {} }) => [key, plain(value)])),
    json: JSON.stringify(raw),
  };
}

function idOf(base64: string | undefined, bytes: number, name: string): string {
  const id = Buffer.from(base64 ?? "", "base64");
  if (id.length !== bytes)
    throw invalid(`Invalid OpenTelemetry format: ${name} has ${id.length} bytes instead of ${bytes}`);
  return id.toString("hex");
}

function plain(value: AnyValue): string | number | boolean {
  const [[kind, inner] = ["string_value", ""]] = Object.entries(value);
  if (kind === "int_value") return Number(inner);
  if (kind === "string_value" || kind === "bool_value" || kind === "double_value")
    return inner as string | number | boolean;
  return JSON.stringify(inner);
}
