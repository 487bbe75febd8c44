import { WeftError } from "../../lib/core/error.ts";
import { MlflowError } from "../tracking/index.ts";

/** An object with one list of JSON texts; MLflow leaves out a list that is empty. */
export function jsonList(name: string, rows: readonly string[]): string {
  return rows.length === 0 ? "{}" : `{"${name}":[${rows.join(",")}]}`;
}

/** A name that is taken has a code of its own, which clients wait for. */
export function alreadyExists(error: unknown): never {
  if (error instanceof WeftError && error.code === "conflict")
    throw new MlflowError("RESOURCE_ALREADY_EXISTS", error.message, { cause: error });
  throw error;
}
