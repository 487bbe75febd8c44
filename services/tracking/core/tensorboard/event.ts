import protobuf from "protobufjs";

/**
 * What is read of, and written to, an event file's records. Field numbers: tensorboard/compat/proto/{event,summary,
 * tensor,tensor_shape}.proto and plugins/hparams/plugin_data.proto. A summary's values are taken as bytes, so that those
 * which are kept (histograms, images, text) leave again exactly as they came.
 */
const SCHEMA = `
  syntax = "proto3";
  message Event {
    double wall_time = 1;
    int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; }
  }
  message Summary { repeated bytes value = 1; }
  message Value {
    string tag = 1;
    oneof value { float simple_value = 2; bytes image = 4; bytes histo = 5; bytes audio = 6; Tensor tensor = 8; }
    Metadata metadata = 9;
  }
  message Metadata { PluginData plugin_data = 1; }
  message PluginData { string plugin_name = 1; bytes content = 2; }
  message Tensor {
    int32 dtype = 1;
    Shape tensor_shape = 2;
    bytes tensor_content = 4;
    repeated float float_val = 5;
    repeated double double_val = 6;
    repeated int32 int_val = 7;
    repeated bytes string_val = 8;
    repeated int64 int64_val = 10;
  }
  message Shape { message Dim { int64 size = 1; } repeated Dim dim = 2; }
  message HParams { SessionStart session_start_info = 3; }
  message SessionStart { map<string, HParam> hparams = 1; }
  message HParam { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`;

const { root } = protobuf.parse(SCHEMA, { keepCase: true });
const EventMessage = root.lookupType("Event");
const ValueMessage = root.lookupType("Value");
const HParamsMessage = root.lookupType("HParams");

const DT_FLOAT = 1;
const DT_DOUBLE = 2;
const DT_INT32 = 3;
const DT_STRING = 7;
const DT_INT64 = 9;
const FILE_VERSION = "brain.Event:2";
const IMAGE_STARTS = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x47, 0x49, 0x46, 0x38],
];

/** What one value of a summary says. */
export type Content =
  | { readonly kind: "scalar"; readonly value: number }
  | { readonly kind: "hparams"; readonly params: ReadonlyMap<string, string> }
  | { readonly kind: "histogram" | "image" | "text" | "audio" | "other" };

export interface Entry {
  readonly tag: string;
  readonly step: number;
  readonly wallMs: number;
  readonly content: Content;
  /** The `Summary.Value` message as it came. */
  readonly bytes: Uint8Array;
}

interface Tensor {
  readonly dtype: number;
  readonly tensor_shape: { readonly dim: readonly { readonly size: number }[] } | null;
  readonly tensor_content: Uint8Array;
  readonly float_val: readonly number[];
  readonly double_val: readonly number[];
  readonly int_val: readonly number[];
  readonly int64_val: readonly (number | { toNumber(): number })[];
  readonly string_val: readonly Uint8Array[];
}

interface Value {
  readonly tag: string;
  readonly value?: "simple_value" | "image" | "histo" | "audio" | "tensor";
  readonly simple_value: number;
  readonly tensor: Tensor | null;
  readonly metadata: {
    readonly plugin_data: { readonly plugin_name: string; readonly content: Uint8Array } | null;
  } | null;
}

/** The values of one record; none for those that hold something else (versions, graphs). Errors: bytes that are no Event. */
export function readEvent(record: Uint8Array): Entry[] {
  const event = EventMessage.toObject(EventMessage.decode(record), { longs: Number }) as {
    readonly wall_time?: number;
    readonly step?: number;
    readonly summary?: { readonly value?: readonly Uint8Array[] };
  };
  return (event.summary?.value ?? []).map((bytes) => {
    const value = ValueMessage.decode(bytes) as unknown as Value;
    return {
      tag: value.tag,
      step: event.step ?? 0,
      wallMs: Math.round((event.wall_time ?? 0) * 1000),
      content: contentOf(value),
      bytes,
    };
  });
}

/** One scalar, in the form that `torch.utils.tensorboard` writes. TensorBoard's values are float32: others are rounded. */
export function scalarValue(tag: string, value: number): Uint8Array {
  return ValueMessage.encode({ tag, simple_value: value }).finish();
}

/** The same value under another tag. */
export function retagged(bytes: Uint8Array, tag: string): Uint8Array {
  // A field that occurs twice counts with its last: protobuf's encoding, "Last One Wins".
  return Buffer.concat([bytes, ValueMessage.encode({ tag }).finish()]);
}

/** The record that each event file begins with. */
export function versionEvent(wallMs: number): Uint8Array {
  return EventMessage.encode({ wall_time: wallMs / 1000, file_version: FILE_VERSION }).finish();
}

export function summaryEvent(step: number, wallMs: number, values: readonly Uint8Array[]): Uint8Array {
  return EventMessage.encode({ step, wall_time: wallMs / 1000, summary: { value: values } }).finish();
}

function contentOf({ value, simple_value, tensor, metadata }: Value): Content {
  const plugin = metadata?.plugin_data;
  if (plugin?.plugin_name === "hparams") return hparams(plugin.content);
  if (value === "simple_value") return { kind: "scalar", value: simple_value };
  if (value === "histo") return { kind: "histogram" };
  if (value === "image" || value === "audio") return { kind: value };
  return tensor ? tensorContent(tensor) : { kind: "other" };
}

/** Only the first value of a tag names its plugin, and a reader may begin after that: the tensor's shape tells as well. */
function tensorContent(tensor: Tensor): Content {
  const dimensions = tensor.tensor_shape?.dim ?? [];
  if (tensor.dtype === DT_STRING) return { kind: isImage(tensor.string_val) ? "image" : "text" };
  const value = dimensions.length === 0 ? numberOf(tensor) : undefined;
  if (value !== undefined) return { kind: "scalar", value };
  return { kind: dimensions.length === 2 && Number(dimensions[1]!.size) === 3 ? "histogram" : "other" };
}

/** Width, height, and then an image or more (tensorboard/plugins/image/metadata.py). */
function isImage(strings: readonly Uint8Array[]): boolean {
  const image = strings[2];
  return image !== undefined && IMAGE_STARTS.some((start) => start.every((byte, at) => image[at] === byte));
}

function numberOf(tensor: Tensor): number | undefined {
  const { dtype, tensor_content: raw } = tensor;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  if (dtype === DT_FLOAT) return raw.length >= 4 ? view.getFloat32(0, true) : tensor.float_val[0];
  if (dtype === DT_DOUBLE) return raw.length >= 8 ? view.getFloat64(0, true) : tensor.double_val[0];
  if (dtype === DT_INT32) return raw.length >= 4 ? view.getInt32(0, true) : tensor.int_val[0];
  if (dtype === DT_INT64) return raw.length >= 8 ? Number(view.getBigInt64(0, true)) : Number(tensor.int64_val[0]);
  return undefined;
}

function hparams(content: Uint8Array): Content {
  const { session_start_info: start } = HParamsMessage.toObject(HParamsMessage.decode(content)) as {
    readonly session_start_info?: {
      readonly hparams?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;
    };
  };
  const params = new Map<string, string>();
  for (const [name, given] of Object.entries(start?.hparams ?? {})) {
    const value = given["number_value"] ?? given["string_value"] ?? given["bool_value"];
    params.set(name, String(value ?? ""));
  }
  return { kind: "hparams", params };
}
