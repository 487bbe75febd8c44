import type { Fields } from "./core/fields.ts";
import { LIMITS } from "./core/limits.ts";
import { invalid, invalidType } from "./core/mlflow-error.ts";
import { makePageToken } from "./core/page-token.ts";

/** MLflow's ViewType, in protobuf's order from 1. */
export const VIEWS = ["ACTIVE_ONLY", "DELETED_ONLY", "ALL"];

/** A page of a search as JSON: `rows` is one longer than `limit` where there is a next one. An empty list is left out. */
export function pageJson(
  name: string,
  rows: readonly { readonly keys: readonly (string | null)[]; readonly json: string }[],
  limit: number,
  shape: string,
): string {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  const parts = [
    ...(page.length > 0 ? [`"${name}":[${page.map(({ json }) => json).join(",")}]`] : []),
    ...(last === undefined ? [] : [`"next_page_token":${JSON.stringify(makePageToken(shape, last.keys))}`]),
  ];
  return `{${parts.join(",")}}`;
}

export function readMaxResults(fields: Fields): number {
  const value = fields.integer("max_results") ?? LIMITS.searchRowsDefault;
  if (value >= 1 && value <= LIMITS.searchRows) return value;
  throw invalid(
    value < 1
      ? `Invalid value ${value} for parameter 'max_results' supplied. It must be a positive integer`
      : `Invalid value ${value} for parameter 'max_results' supplied. It must be at most ${LIMITS.searchRows}`,
  );
}

/** By name, or by protobuf's number. */
export function readEnum(fields: Fields, name: string, names: readonly string[], first: number): string | undefined {
  const raw = fields.raw(name);
  if (raw === undefined) return undefined;
  const found = typeof raw === "number" ? names[raw - first] : names.find((one) => one === raw);
  if (found === undefined) throw invalidType(fields.path(name), raw);
  return found;
}
