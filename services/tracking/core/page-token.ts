import { invalid } from "./mlflow-error.ts";

/** Where the next page begins: after a row with these values, in a search of that shape. */
export function makePageToken(shape: string, after: readonly (string | null)[]): string {
  return Buffer.from(JSON.stringify([shape, ...after])).toString("base64url");
}

/** Null: the first page. Throws INVALID_PARAMETER_VALUE for a token that is none, or one of another search. */
export function readPageToken(token: string | undefined, shape: string, values: number): (string | null)[] | null {
  if (token === undefined || token === "") return null;
  const parts = parse(token);
  if (parts === undefined || parts.length !== values + 1) throw invalidPageToken(token);
  const [found, ...after] = parts;
  if (found !== shape) throw invalid("the page token is of another search: ask with the same filter and order_by");
  return after;
}

/** As a page token holds it. */
export function isInt64(text: string | null): boolean {
  return text !== null && /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

export function invalidPageToken(token?: string): Error {
  const named = token === undefined ? "" : ` '${token.slice(0, 100)}'`;
  return invalid(`Invalid page token${named}: take it from next_page_token of the page before`);
}

function parse(token: string): (string | null)[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (Array.isArray(value) && value.every((one) => one === null || typeof one === "string"))
      return value as (string | null)[];
  } catch {
    // Said below, in one way for all that is wrong.
  }
  return undefined;
}
