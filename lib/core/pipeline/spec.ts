import type { FailureReason } from "../dispatch.ts";
import type { Digest } from "../ids.ts";
import type { NotifyRule } from "./notify.ts";
import type { TriggerSpec } from "./trigger.ts";
import type { TaskFlow } from "./flow.ts";

/** A JSON scalar: what a parameter or a map value may be. */
export type Scalar = string | number | boolean | null;

/** What a task asks of a node. Canonical: every default is filled in. */
export interface Resources {
  /** Thousandths of a CPU; ≥ 1. */
  readonly cpuMillis: number;
  /** Bytes; 0: none asked and none enforced. */
  readonly memoryBytes: number;
  readonly diskBytes: number;
  /** Whole devices. */
  readonly gpus: number;
}

export type Run =
  | { readonly kind: "script"; readonly script: string } // for `sh -eu`
  | { readonly kind: "command"; readonly argv: readonly string[] }; // no shell

export interface InputSpec {
  readonly task: string;
  readonly output: string;
}

export interface Retries {
  readonly limit: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Only failures with one of these exit codes or reasons are retried; both empty: any. */
  readonly exitCodes: readonly number[];
  readonly reasons: readonly FailureReason[];
  /** How often the machine or its services may be lost under it before it is given up (see CRASH_REASONS). */
  readonly crashes: number;
}

export type Environment = { readonly kind: "none" } | { readonly kind: "node"; readonly lock: string };

export interface MapDimension {
  readonly name: string;
  readonly values: readonly Scalar[];
}

export interface TaskSpec {
  readonly name: string;
  readonly run: Run;
  /** With the tasks of `inputs` added; no duplicates. */
  readonly needs: readonly string[];
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Output name to path in the workspace; a folder ends with "/". */
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: Resources;
  /** Empty: one instance. Else one for each element of the product, the last dimension varying fastest. */
  readonly map: readonly MapDimension[];
  readonly retries: Retries;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly env: Readonly<Record<string, string>>;
  /** Globs; empty: all files. */
  readonly files: readonly string[];
  readonly environment: Environment;
  readonly stopGraceMs: number;
  readonly flow: TaskFlow;
}

/** Immutable, checked, complete. Tasks are in the order they were written. */
export interface PipelineSpec {
  readonly name: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly tasks: readonly TaskSpec[];
  /** What starts jobs of it, in the order of writing; absent: nothing by itself. A job's own spec does not keep it. */
  readonly triggers?: readonly TriggerSpec[];
  /** Absent: nobody is told. */
  readonly notify?: readonly NotifyRule[];
}

export interface Code {
  readonly digest: Digest;
  readonly commit: string | null;
  readonly dirty: boolean;
}

/** How many instances a task has: the product of its dimensions. */
export function instanceCount(task: Pick<TaskSpec, "map">): number {
  return task.map.reduce((product, dimension) => product * dimension.values.length, 1);
}

/** The map values of one instance; {} for a task that is not mapped. */
export function mapValues(task: Pick<TaskSpec, "map">, index: number): Record<string, Scalar> {
  const values: Record<string, Scalar> = {};
  let rest = index;
  for (const dimension of task.map.toReversed()) {
    values[dimension.name] = dimension.values[rest % dimension.values.length]!;
    rest = Math.floor(rest / dimension.values.length);
  }
  return values;
}
