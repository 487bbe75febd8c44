import type { InputSpec } from "../proto/gen/weft/v1/InputSpec.ts";
import type { NotifySpec } from "../proto/gen/weft/v1/NotifySpec.ts";
import type { PipelineSpec } from "../proto/gen/weft/v1/PipelineSpec.ts";
import type { Probe } from "../proto/gen/weft/v1/Probe.ts";
import type { TaskSpec } from "../proto/gen/weft/v1/TaskSpec.ts";
import type { TriggerSpec } from "../proto/gen/weft/v1/TriggerSpec.ts";
import { type Parsed, parseDuration, parseSize } from "../proto/units.ts";
import { type Scalar, toProtoValue, toProtoValues } from "../proto/value.ts";
import { WeftClientError } from "./error.ts";

/** "10s", "1.5m", "2h". */
export type Duration = `${number}${"ms" | "s" | "m" | "min" | "h" | "d"}`;
/** "512MB", "8GiB", or a number of bytes. */
export type Size =
  | number
  | `${number}${"B" | "kB" | "MB" | "GB" | "TB" | "PB" | "KiB" | "MiB" | "GiB" | "TiB" | "PiB" | "Ki" | "Mi" | "Gi" | "Ti" | "Pi"}`;

/** At most `limit` starts in any `per`, of all that have the key; without one its own. */
export interface Rate {
  readonly limit: number;
  readonly per: Duration;
  readonly key?: string;
}

/** At most `limit` (default 1) jobs of the group at a time; another waits, replaces the others, or is skipped. */
export interface Concurrency {
  readonly group?: string;
  readonly policy?: "queue" | "cancel-running" | "skip";
  readonly limit?: number;
}

export interface MapFrom {
  /** CEL over params and tasks. */
  readonly from: string;
  /** The name of the element, or of fields of it. Default "item". */
  readonly as?: string | readonly string[];
}

/**
 * A data set (NAME, NAME@VERSION, NAME@TAG), fixed when the job is accepted, or a URI that the task's node reads. May hold "{{ params.x }}".
 * `digest`: what the bytes must be ("sha256:…"); `keep: false`: they are not put into the artifact store.
 */
export type Outside =
  | `dataset:${string}`
  | Uri
  | { readonly uri: Uri; readonly digest?: `sha256:${string}`; readonly keep?: boolean };
type Uri = `${"https" | "http" | "s3" | "file"}://${string}`;

/** What a task runs, or whose word it waits for. */
type Work =
  | {
      /** A script for `sh -eu`, or a list of arguments that no shell sees. */
      readonly run: string | readonly string[];
      readonly approve?: never;
    }
  | {
      readonly run?: never;
      /** It waits until one of `by` (default: anybody) has approved it; after `timeout` (default 24h) it fails. */
      readonly approve: { readonly by?: readonly string[]; readonly timeout?: Duration; readonly message?: string };
    };

/** What a task may say, with the keys and the meaning of weft.yaml. `Task` and `Output` are what came before it. */
export type TaskOptions<Task extends string, Output extends string, Outputs extends Record<string, string>> = Work &
  CommonOptions<Task, Output, Outputs>;

interface CommonOptions<Task extends string, Output extends string, Outputs extends Record<string, string>> {
  readonly needs?: readonly Task[];
  /** Input name to "task.output" of an earlier task, or to what is outside the job. */
  readonly inputs?: Readonly<Record<string, Output | Outside>>;
  /** Output name to a path; a folder ends with "/". */
  readonly outputs?: Outputs;
  readonly resources?: {
    readonly cpus?: number;
    readonly memory?: Size;
    readonly disk?: Size;
    readonly gpus?: number;
  };
  /** One instance for each combination; or for each element of a list that the CEL expression `from` gives. */
  readonly map?: Readonly<Record<string, readonly Scalar[]>> | MapFrom;
  readonly retries?: {
    readonly limit: number;
    readonly backoff?: Duration;
    readonly maxBackoff?: Duration;
    /** Only failures with one of these exit codes or reasons (timeout, out-of-memory, …) are retried; neither: any. */
    readonly exitCodes?: readonly number[];
    readonly reasons?: readonly string[];
    /** Losses of its machine that the task may have caused before it is given up. Default 5. */
    readonly crashes?: number;
  };
  readonly timeout?: Duration;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  /**
   * `node`: path of a package-lock.json. `python`: path of a requirements file, a pylock.toml or a uv.lock.
   * `image`: "name@sha256:…", run by Docker or Podman.
   */
  readonly environment?:
    | { readonly node: string }
    | { readonly python: string; readonly pythonVersion?: string }
    | { readonly image: string };
  readonly stopGrace?: Duration;
  /** After which ends of what it needs it runs. Default: when all have succeeded. */
  readonly when?: "succeeded" | "always" | "failed";
  /** CEL over params and tasks; unless it is true the task is skipped. */
  readonly if?: string;
  /** On the starts of its instances. */
  readonly rate?: Rate;
  /** An earlier result of the same work will do. `params`: those that it depends on; default all. */
  readonly cache?: boolean | { readonly ttl?: Duration; readonly params?: readonly string[] };
  /** So many instances, or this share of them, may fail, and the task still counts as succeeded. */
  readonly tolerate?: number | `${number}%`;
  /** How far metrics may be off when it is run again, as a share of what they were: all, or by name ("*": those that are not named). */
  readonly metricTolerance?: number | Readonly<Record<string, number>>;
  /** It runs until nobody needs it; who needs it starts when it is ready. */
  readonly service?: ServiceOptions;
  /** Outputs that are there are kept however the attempt ends. */
  readonly keepOutputs?: "always";
  /** What it leaves in $WEFT_CHECKPOINT is there for the next attempt. `every`: it is stored at this interval too while it runs. */
  readonly checkpoint?: boolean | { readonly every: Duration };
  /** It may be stopped for work that goes before it. */
  readonly preemptible?: boolean;
}

/** Asks in one way: `http` (path of a GET, 200 to 399 is well), `tcp`, or `command` (exit code 0 is well). */
export interface ProbeOptions {
  readonly http?: string;
  readonly tcp?: true;
  readonly command?: readonly string[];
  /** Default: the service's. */
  readonly port?: number;
  /** Default 2s, 1s, 3. */
  readonly period?: Duration;
  readonly timeout?: Duration;
  readonly failures?: number;
}

export interface ServiceOptions {
  readonly port?: number;
  /** Default: it is ready when its process has started. */
  readonly readiness?: ProbeOptions;
  readonly liveness?: ProbeOptions;
  /** Default: onFailure. */
  readonly restart?: "always" | "onFailure" | "never";
  /** Default 1s and 5m. */
  readonly backoff?: Duration;
  readonly maxBackoff?: Duration;
}

/** A name that is not taken yet; when names are only known at run time, any. */
type NewName<Name extends string, Taken extends string> = string extends Taken
  ? Name
  : Name extends Taken
    ? never
    : Name;

export interface PipelineOptions {
  /** Defaults of its parameters. */
  readonly params?: Readonly<Record<string, Scalar>>;
  /** What starts it by itself, once given to `client.triggers.apply`. */
  readonly triggers?: readonly TriggerSpec[];
  /** Whom to tell how its jobs went. */
  readonly notify?: readonly NotifySpec[];
  readonly concurrency?: Concurrency;
  /** On the starts of its jobs. */
  readonly rate?: Rate;
}

/** Builds a pipeline task by task. Immutable: `task` gives a new builder, so that variants can share a beginning. */
export class PipelineBuilder<Task extends string = never, Output extends string = never> {
  readonly #name: string;
  readonly #head: PipelineOptions;
  readonly #task: TaskSpec | undefined;
  readonly #before: PipelineBuilder<string, string> | undefined;

  constructor(name: string, head: PipelineOptions, before?: PipelineBuilder<string, string>, task?: TaskSpec) {
    this.#name = name;
    this.#head = head;
    this.#before = before;
    this.#task = task;
  }

  /** Adds a task; `needs` and `inputs` can name earlier ones. Errors: `invalid` for a quantity that cannot be read. */
  task<const Name extends string, const Outputs extends Record<string, string> = Record<never, string>>(
    name: NewName<Name, Task>,
    options: TaskOptions<Task, Output, Outputs>,
  ): PipelineBuilder<Task | Name, Output | `${Name}.${keyof Outputs & string}`> {
    const before = this as unknown as PipelineBuilder<string, string>;
    return new PipelineBuilder(this.#name, this.#head, before, taskToProto(name, options));
  }

  /**
   * Another pipeline in the place of a task: its task `fit` becomes `NAME-fit`. What needs NAME needs all of it. Its params can be given
   * values, or be one of this pipeline's: "{{ params.x }}".
   */
  pipeline<const Name extends string>(
    name: NewName<Name, Task>,
    inner: { toProto(): PipelineSpec },
    options: SubOptions<Task> = {},
  ): PipelineBuilder<Task | Name | `${Name}-${string}`, Output | `${Name}-${string}.${string}`> {
    const before = this as unknown as PipelineBuilder<string, string>;
    return new PipelineBuilder(this.#name, this.#head, before, holderToProto(name, inner.toProto(), options));
  }

  /** The message that `JobService.Submit` takes: the same as of the weft.yaml that says the same. */
  toProto(): PipelineSpec {
    const tasks: TaskSpec[] = [];
    let link: PipelineBuilder<string, string> | undefined = this as unknown as PipelineBuilder<string, string>;
    while (link) {
      if (link.#task) tasks.push(link.#task);
      link = link.#before;
    }
    const { params = {}, triggers = [], notify = [], concurrency, rate } = this.#head;
    return {
      name: this.#name,
      params: toProtoValues(params),
      tasks: tasks.toReversed(),
      triggers: [...triggers],
      notify: [...notify],
      ...(concurrency ? { concurrency: concurrencyToProto(concurrency) } : {}),
      ...(rate ? { rate: rateToProto(rate) } : {}),
    };
  }
}

export interface SubOptions<Task extends string> {
  readonly params?: Readonly<Record<string, Scalar>>;
  readonly needs?: readonly Task[];
  readonly when?: "succeeded" | "always" | "failed";
  readonly if?: string;
}

function holderToProto(name: string, pipeline: PipelineSpec, options: SubOptions<string>): TaskSpec {
  const values: Record<string, Scalar> = {};
  const paramNames: Record<string, string> = {};
  for (const [param, value] of Object.entries(options.params ?? {})) {
    const bound = typeof value === "string" ? /^\{\{\s*params\.([A-Za-z][\w-]*)\s*\}\}$/.exec(value) : null;
    if (bound) paramNames[param] = bound[1]!;
    else values[param] = value;
  }
  const { needs, when, if: condition } = options;
  return {
    name,
    pipeline: { pipeline, params: toProtoValues(values), paramNames },
    needs: [...(needs ?? [])],
    ...(when === undefined || when === "succeeded" ? {} : { when }),
    ...(condition === undefined ? {} : { if: condition }),
  };
}

/** Begins a pipeline. */
export function pipeline(name: string, options: PipelineOptions = {}): PipelineBuilder {
  return new PipelineBuilder(name, options);
}

function taskToProto(name: string, task: TaskOptions<string, string, Record<string, string>>): TaskSpec {
  const { run, resources, retries } = task;
  if (resources?.cpus === 0) {
    // In the message 0 means the default.
    throw new WeftClientError("invalid", `task "${name}": 0 CPUs are asked for; 0.001 or more would be right`);
  }
  const quantity = (what: string, parsed: Parsed): number => {
    if (parsed.ok) return parsed.value;
    throw new WeftClientError("invalid", `task "${name}": ${what}: ${parsed.message}`);
  };
  const size = (what: string, value: Size | undefined): number =>
    value === undefined ? 0 : quantity(what, parseSize(value));
  const duration = (what: string, value: Duration | undefined): number => {
    if (value === undefined) return 0;
    const ms = quantity(what, parseDuration(value));
    if (ms > 0) return ms;
    // 0 would mean the default.
    throw new WeftClientError("invalid", `task "${name}": ${what} is ${value}; a time above 0 would be right`);
  };
  return {
    name,
    ...(typeof run === "string" ? { script: run } : { command: [...(run ?? [])] }),
    needs: [...(task.needs ?? [])],
    inputs: Object.fromEntries(Object.entries(task.inputs ?? {}).map(([input, source]) => [input, inputOf(source)])),
    outputs: { ...task.outputs },
    resources: {
      cpus: resources?.cpus ?? 1,
      memoryBytes: size("memory", resources?.memory),
      diskBytes: size("disk", resources?.disk),
      gpus: resources?.gpus ?? 0,
    },
    map: Object.entries(isMapFrom(task.map) ? {} : (task.map ?? {})).map(([dimension, values]) => ({
      name: dimension,
      values: values.map(toProtoValue),
    })),
    retries: {
      limit: retries?.limit ?? 0,
      backoffMs: duration("backoff", retries?.backoff),
      maxBackoffMs: duration("maxBackoff", retries?.maxBackoff),
      exitCodes: [...(retries?.exitCodes ?? [])],
      reasons: [...(retries?.reasons ?? [])],
      ...(retries?.crashes === undefined ? {} : { crashes: retries.crashes }),
    },
    timeoutMs: duration("timeout", task.timeout),
    env: { ...task.env },
    files: [...(task.files ?? [])],
    environment: task.environment ? { ...task.environment } : null,
    stopGraceMs: duration("stopGrace", task.stopGrace),
    ...flowToProto(task),
    ...(task.approve
      ? { approve: approveToProto(task.approve, duration("approve.timeout", task.approve.timeout)) }
      : {}),
    ...(task.service ? { service: serviceToProto(task.service, duration) } : {}),
    ...(task.keepOutputs ? { keepOutputs: true } : {}),
    ...(task.preemptible ? { preemptible: true } : {}),
    ...(task.checkpoint ? { checkpoint: true } : {}),
    ...(typeof task.checkpoint === "object"
      ? { checkpointEveryMs: duration("checkpoint.every", task.checkpoint.every) }
      : {}),
  };
}

function approveToProto(approve: { readonly by?: readonly string[]; readonly message?: string }, timeoutMs: number) {
  return { by: [...(approve.by ?? [])], timeoutMs, message: approve.message ?? "" };
}

function cacheToProto(cache: true | { readonly ttl?: Duration; readonly params?: readonly string[] }) {
  if (cache === true) return { ttlMs: 0 };
  const parsed: Parsed = cache.ttl === undefined ? { ok: true, value: 0 } : parseDuration(cache.ttl);
  if (!parsed.ok) throw new WeftClientError("invalid", `cache: ttl: ${parsed.message}`);
  return { ttlMs: parsed.value, ...(cache.params ? { params: { names: [...cache.params] } } : {}) };
}

function rateToProto({ limit, per, key }: Rate) {
  const parsed = parseDuration(per);
  if (!parsed.ok) throw new WeftClientError("invalid", `rate: per: ${parsed.message}`);
  return { limit, perMs: parsed.value, key: key ?? "" };
}

export function concurrencyToProto({ group, policy, limit }: Concurrency) {
  return { group: group ?? "", policy: policy ?? "queue", limit: limit ?? 1 };
}

function isMapFrom(map: TaskOptions<string, string, Record<string, string>>["map"]): map is MapFrom {
  return map !== undefined && typeof map["from"] === "string";
}

function flowToProto(task: TaskOptions<string, string, Record<string, string>>): Partial<TaskSpec> {
  const { when, tolerate, metricTolerance, map } = task;
  return {
    ...(task.if === undefined ? {} : { if: task.if }),
    ...(task.cache ? { cache: cacheToProto(task.cache) } : {}),
    ...(task.rate ? { rate: rateToProto(task.rate) } : {}),
    ...(isMapFrom(map) ? { mapFrom: { from: map.from, as: [map.as ?? "item"].flat() } } : {}),
    ...(when === undefined || when === "succeeded" ? {} : { when }),
    ...(metricTolerance === undefined
      ? {}
      : { metricTolerance: typeof metricTolerance === "number" ? { "*": metricTolerance } : { ...metricTolerance } }),
    ...(typeof tolerate === "number" ? { tolerateCount: tolerate } : {}),
    ...(typeof tolerate === "string" ? { tolerateShare: Number(tolerate.slice(0, -1)) / 100 } : {}),
  };
}

function serviceToProto(
  { port = 0, readiness, liveness, restart, backoff, maxBackoff }: ServiceOptions,
  duration: (what: string, value: Duration | undefined) => number,
): NonNullable<TaskSpec["service"]> {
  const probe = ({ period, timeout, ...rest }: ProbeOptions): Probe => ({
    http: rest.http ?? "",
    tcp: rest.tcp ?? false,
    command: [...(rest.command ?? [])],
    port: rest.port ?? 0,
    periodMs: duration("period", period),
    timeoutMs: duration("timeout", timeout),
    failures: rest.failures ?? 0,
  });
  return {
    port,
    ...(readiness ? { readiness: probe(readiness) } : {}),
    ...(liveness ? { liveness: probe(liveness) } : {}),
    restart: restart ?? "",
    backoffMs: duration("backoff", backoff),
    maxBackoffMs: duration("maxBackoff", maxBackoff),
  };
}

function inputOf(source: string | Exclude<Outside, string>): InputSpec {
  if (typeof source === "object")
    return { from: source.uri, digest: source.digest ?? "", discard: source.keep === false };
  if (/^(?:dataset:|[a-z0-9]+:\/\/)/.test(source)) return { from: source };
  const dot = source.indexOf(".");
  return { task: source.slice(0, dot), output: source.slice(dot + 1) };
}
