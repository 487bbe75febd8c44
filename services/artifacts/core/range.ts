export type RangeAnswer =
  /** No range was asked for, or one that a server may pass over (RFC 9110, 14.2): all of it. */
  | { readonly kind: "whole" }
  /** `end` is exclusive. */
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "unsatisfiable" };

/** What a `Range` header asks of something that has `bytes` bytes. Several ranges in one header are passed over. */
export function parseRange(header: string | undefined, bytes: number): RangeAnswer {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return { kind: "whole" };
  if (match[1] === "") {
    const length = Math.min(Number(match[2]), bytes);
    return length === 0 ? { kind: "unsatisfiable" } : { kind: "part", start: bytes - length, end: bytes };
  }
  const start = Number(match[1]);
  const last = match[2] === "" ? bytes - 1 : Math.min(Number(match[2]), bytes - 1);
  if (match[2] !== "" && Number(match[2]) < start) return { kind: "whole" };
  return start >= bytes ? { kind: "unsatisfiable" } : { kind: "part", start, end: last + 1 };
}
