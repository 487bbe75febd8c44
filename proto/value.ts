import type { Value, Value__Output } from "./gen/google/protobuf/Value.ts";

/** A JSON scalar: what a parameter or a map value may be. */
export type Scalar = string | number | boolean | null;

/** `google.protobuf.Value` to a JSON scalar; undefined when it holds a list or an object. */
export function fromProtoValue(value: Value__Output): Scalar | undefined {
  switch (value.kind) {
    case "stringValue":
      return value.stringValue;
    case "numberValue":
      return value.numberValue;
    case "boolValue":
      return value.boolValue;
    case "nullValue":
      return null;
    default:
      return undefined;
  }
}

export function toProtoValue(value: Scalar): Value {
  if (value === null) return { nullValue: "NULL_VALUE" };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "number") return { numberValue: value };
  return { boolValue: value };
}

export function toProtoValues(values: Readonly<Record<string, Scalar>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toProtoValue(value)]));
}
