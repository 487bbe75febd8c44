/**
 * The little of protobuf's wire format that it takes to find a field without reading the others
 * (https://protobuf.dev/programming-guides/encoding/).
 */
const LENGTH_DELIMITED = 2;

/** A field in its message: [start, end) with its tag, [from, end) its content. */
export interface WireField {
  readonly tag: number;
  readonly start: number;
  readonly from: number;
  readonly end: number;
}

/** The tag of a text, a message or an element of a list of these. Field numbers up to 15: one byte. */
export function delimitedTag(field: number): number {
  return (field << 3) | LENGTH_DELIMITED;
}

/** Undefined: it is no message, or has what nobody writes any more (groups), or a field of more than 256 MiB. */
export function wireFields(bytes: Uint8Array, from: number, to: number): WireField[] | undefined {
  const fields: WireField[] = [];
  let at = from;
  /** -1: it is longer than 4 bytes or goes beyond the end. */
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 28 && at < to; shift += 7) {
      const byte = bytes[at]!;
      at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return -1;
  };
  while (at < to) {
    const start = at;
    const tag = varint();
    if (tag < 8) return undefined;
    const type = tag & 7;
    let content = at;
    if (type === 0) {
      while (at < to && bytes[at]! >= 0x80) at += 1;
      at += 1;
    } else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === LENGTH_DELIMITED) {
      const length = varint();
      if (length < 0) return undefined;
      content = at;
      at += length;
    } else return undefined;
    if (at > to) return undefined;
    fields.push({ tag, start, from: content, end: at });
  }
  return fields;
}

/** How many bytes a length takes. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) bytes += 1;
  return bytes;
}

/** Writes tag and length of a field whose content has `length` bytes; gives where the content begins. */
export function writeHead(bytes: Uint8Array, at: number, tag: number, length: number): number {
  let next = at;
  bytes[next++] = tag;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) bytes[next++] = (rest & 0x7f) | 0x80;
  bytes[next++] = rest;
  return next;
}
