import type { Scalar } from "./pipeline/spec.ts";

/** A JSON value. */
export type Json = Scalar | readonly Json[] | { readonly [name: string]: Json };
