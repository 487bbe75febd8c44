import type { ArtifactRef, FailureReason } from "../dispatch.ts";
import type { Digest } from "../ids.ts";
import type { NotifyRule } from "./notify.ts";
import type { ServiceSpec } from "./service.ts";
import type { TriggerSpec } from "./trigger.ts";
import type { Concurrency, Rate } from "./admission.ts";
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
  /** Thousandths of a device: below 1000 a share of one device, else whole devices. */
  readonly gpuMillis: number;
  /** What the devices must be; null: any that is no MIG slice. */
  readonly gpu: GpuRequest | null;
}

export interface GpuRequest {
  /** Of each device; of the share where one is asked for. 0: any. */
  readonly memoryBytes: number;
  /** Parts of the model's name, in any case; one must match. Empty: any. */
  readonly models: readonly string[];
  /** At least, as "8.0". Empty: any. */
  readonly computeCapability: string;
  /** At least, as "535.104". Empty: any. */
  readonly driver: string;
  /** MIG profile, as "1g.10gb". Empty: whole cards only. */
  readonly mig: string;
}

/** Which nodes may run a task. All that is said must hold. */
export interface Placement {
  readonly labels: readonly LabelRule[];
  /** "key" or "key=value". */
  readonly tolerations: readonly string[];
  /** Empty: nodes that are in no pool. */
  readonly pool: string;
}

export interface LabelRule {
  readonly key: string;
  /** Any of them; empty: the label is there, whatever its value. */
  readonly values: readonly string[];
  readonly refused: boolean;
}

export type Run =
  | { readonly kind: "script"; readonly script: string } // for `sh -eu`
  | { readonly kind: "command"; readonly argv: readonly string[] }; // no shell

export interface InputSpec {
  readonly task: string;
  readonly output: string;
}

/** An input that no task of the job makes (see outside.ts). */
export interface SourceSpec {
  /** `dataset:NAME@…`, or a URI; in a job's own spec no `{{ … }}` is left. */
  readonly from: string;
  /** Of a URI: what its bytes must be. Absent: whatever is there. */
  readonly digest?: Digest;
  /** Of a URI: its bytes are not put into the artifact store. */
  readonly keep?: false;
  /** The bytes it stands for, fixed when the job was accepted. Absent: it is read when a task starts. */
  readonly pin?: SourcePin;
}

export interface SourcePin extends ArtifactRef {
  /** In the lineage graph: dataset:NAME@VERSION, or URI#VERSION. */
  readonly node: string;
  readonly fileName: string;
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

export type Environment =
  | { readonly kind: "none" }
  | { readonly kind: "node"; readonly lock: string }
  /** `version`: "3.11" or "3.11.7"; null: the machine's python3. */
  | { readonly kind: "python"; readonly lock: string; readonly version: string | null }
  /** `image`: "name@sha256:…". */
  | { readonly kind: "container"; readonly image: string };

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
  /** Inputs from outside, by their names among all inputs. Absent: none. */
  readonly sources?: Readonly<Record<string, SourceSpec>>;
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
  /** Requests that will do instead of `resources`, in order of preference. */
  readonly alternatives: readonly Resources[];
  /** Null: any node that is in no pool and has no taint. */
  readonly placement: Placement | null;
  /** Members of a gang; each is an instance of its own, the members of one gang next to each other. 1: no gang. */
  readonly nodes: number;
  readonly preemptible: boolean;
  readonly checkpoint: boolean;
  /** It is stored at this interval too while the task runs. Absent: only at the end of an attempt. */
  readonly checkpointEveryMs?: number;
  /** Absent: it runs to its end. */
  readonly service?: ServiceSpec;
  /** Outputs that are there are kept however the attempt ends. Absent: only of one that succeeds. */
  readonly keepOutputs?: true;
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
  /** Absent: any number of jobs at a time. */
  readonly concurrency?: Concurrency;
  /** Absent: jobs start as they come. */
  readonly rate?: Rate;
  /** Whose quota and share its jobs count against. */
  readonly project: string;
  /** Of jobs that do not say another. */
  readonly priority: number;
}

export interface Code {
  readonly digest: Digest;
  readonly commit: string | null;
  readonly dirty: boolean;
  /** Of the work tree; absent: none was checked out. */
  readonly branch?: string;
  /** URL of the repository that the branch follows, without what signs in there; absent: none. */
  readonly remote?: string;
  /** What differed from the commit, as a patch in the artifact store; absent: nothing. */
  readonly diff?: { readonly digest: Digest; readonly bytes: number };
}

/** How many instances a task has: the product of its dimensions, times the members of its gangs; 1 element for a list that is known only at run time. */
export function instanceCount(task: Pick<TaskSpec, "map" | "nodes">): number {
  return task.map.reduce((product, dimension) => product * dimension.values.length, task.nodes);
}

/** Whether it may have several instances, or gangs, by its map. */
export function isMapped(task: Pick<TaskSpec, "map" | "flow">): boolean {
  return task.map.length > 0 || task.flow.mapFrom !== null;
}

/** The names of its map values. */
export function mapNames(task: Pick<TaskSpec, "map" | "flow">): readonly string[] {
  return task.flow.mapFrom?.as ?? task.map.map(({ name }) => name);
}

/** What a list that was known only at run time gave: `as.length` values an element, one after the other. */
export type MapValues = readonly Scalar[];

/** The map values of one instance; {} for a task that is not mapped, or whose list is not known yet. Members of a gang have the same. */
export function mapValues(
  task: Pick<TaskSpec, "map" | "nodes" | "flow">,
  index: number,
  known: MapValues | null = null,
): Record<string, Scalar> {
  const values: Record<string, Scalar> = {};
  let rest = Math.floor(index / task.nodes);
  if (task.flow.mapFrom) {
    const { as } = task.flow.mapFrom;
    if (known) as.forEach((name, i) => (values[name] = known[rest * as.length + i] ?? null));
    return values;
  }
  for (const dimension of task.map.toReversed()) {
    values[dimension.name] = dimension.values[rest % dimension.values.length]!;
    rest = Math.floor(rest / dimension.values.length);
  }
  return values;
}
