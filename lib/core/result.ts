import type { Json } from "./json.ts";
import { utf8Bytes } from "./pipeline/limits.ts";

/** Of a result that travels with the report, as compact JSON: the report is one NATS message, which may have 1 MiB. */
export const RESULT_BYTES_MAX = 700_000;
/** How deep lists and objects may stand in each other: what reads them calls itself. */
export const RESULT_DEPTH_MAX = 64;

/** As JSON.stringify writes them; Postgres cannot hold them, so that a new leader would read another result. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

export type ReadResult =
  | { readonly ok: true; readonly result: Json }
  | { readonly ok: false; readonly message: string };

/** What a task wrote to $WEFT_RESULT, if it is small JSON; else why expressions and templates will not see it. */
export function readResult(text: string): ReadResult {
  const kept = 'it is kept as the output "result" only, and expressions do not see it';
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    return { ok: false, message: `the result is no JSON (${(error as Error).message}); ${kept}` };
  }
  if (!isShallow(value, RESULT_DEPTH_MAX))
    return { ok: false, message: `the result is nested more than ${RESULT_DEPTH_MAX} deep; ${kept}` };
  const json = JSON.stringify(value);
  if (UNSTORABLE.test(json)) return { ok: false, message: `the result holds a zero byte or half a character; ${kept}` };
  const bytes = utf8Bytes(json);
  if (bytes <= RESULT_BYTES_MAX) return { ok: true, result: value };
  return { ok: false, message: `the result has ${bytes} bytes, more than ${RESULT_BYTES_MAX}; ${kept}` };
}

export function isShallow(value: Json, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  return Object.values(value).every((each: Json) => isShallow(each, depth - 1));
}
