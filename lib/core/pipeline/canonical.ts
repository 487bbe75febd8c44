import type {
  PipelineSpec as PipelineSpecProto,
  PipelineSpec__Output,
} from "../../../proto/gen/weft/v1/PipelineSpec.ts";
import type { TaskSpec as TaskSpecProto, TaskSpec__Output } from "../../../proto/gen/weft/v1/TaskSpec.ts";
import { fromProtoValue, toProtoValue, toProtoValues } from "../../../proto/value.ts";
import type { FailureReason } from "../dispatch.ts";
import {
  type Concurrency,
  concurrencyFromProto,
  concurrencyToProto,
  type Rate,
  rateFromProto,
  rateToProto,
} from "./admission.ts";
import { type Binding, inlinePipelines, type SubPipeline } from "./inline.ts";
import type { Issue } from "../error.ts";
import { completeFlow, type FlowDraft, flowFromProto, flowToProto } from "./flow-proto.ts";
import { environmentOf, environmentToProto } from "./environment.ts";
import { Likeness } from "./likeness.ts";
import { LIMITS } from "./limits.ts";
import { notifyFromProto, type NotifyRule, notifyToProto } from "./notify.ts";
import { inputsFromProto, inputsToProto } from "./outside.ts";
import { triggerFromProto, type TriggerSpec, triggerToProto } from "./trigger.ts";
import {
  completeResources,
  placementOf,
  placementToProto,
  resourcesDraft,
  type ResourcesDraft,
  resourcesToProto,
} from "./resources.ts";
import { reasonsOf } from "./reason.ts";
import { checkPipeline } from "./rules.ts";
import { serviceFromProto, type ServiceSpec, serviceToProto } from "./service.ts";
import type {
  Environment,
  InputSpec,
  MapDimension,
  PipelineSpec,
  Placement,
  Run,
  Scalar,
  SourceSpec,
  TaskSpec,
} from "./spec.ts";

export const PROJECT_DEFAULT = "default";

/** What is used where the author said nothing. */
export const DEFAULTS = {
  backoffMs: 1_000,
  /** 5 minutes: longer waits are asked for by name. */
  backoffMsMax: 300_000,
  /** As Docker and Kubernetes-like systems give: time to write a checkpoint's tail, not a new one. */
  stopGraceMs: 10_000,
  /** Bad luck comes once or twice in the life of a task; what loses its fifth machine is most likely the cause. */
  crashes: 5,
} as const;

/** A task as people write it, with what they left out absent. Durations in milliseconds, sizes in bytes. */
export interface TaskDraft {
  readonly name: string;
  readonly run: Run;
  readonly needs?: readonly string[];
  readonly inputs?: Readonly<Record<string, InputSpec>>;
  readonly sources?: Readonly<Record<string, SourceSpec>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly resources?: ResourcesDraft;
  readonly alternatives?: readonly ResourcesDraft[];
  readonly placement?: Placement | null;
  readonly nodes?: number | undefined;
  readonly preemptible?: boolean | undefined;
  readonly checkpoint?: boolean | undefined;
  readonly checkpointEveryMs?: number | undefined;
  readonly map?: readonly MapDimension[];
  readonly retries?: {
    readonly limit?: number | undefined;
    readonly backoffMs?: number | undefined;
    readonly backoffMsMax?: number | undefined;
    readonly exitCodes?: readonly number[] | undefined;
    readonly reasons?: readonly FailureReason[] | undefined;
    readonly crashes?: number | undefined;
  };
  readonly timeoutMs?: number | undefined;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly environment?: Environment | undefined;
  readonly stopGraceMs?: number | undefined;
  readonly flow?: FlowDraft;
  /** Stands in its place. */
  readonly sub?: SubPipeline;
  readonly service?: ServiceSpec | undefined;
  readonly keepOutputs?: boolean | undefined;
}

export interface PipelineDraft {
  readonly name: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly tasks: readonly TaskDraft[];
  readonly triggers?: readonly TriggerSpec[];
  readonly notify?: readonly NotifyRule[];
  readonly concurrency?: Concurrency | undefined;
  readonly rate?: Rate | undefined;
  readonly project?: string | undefined;
  readonly priority?: number | undefined;
}

export type Canonical =
  | { readonly ok: true; readonly spec: PipelineSpec }
  | { readonly ok: false; readonly issues: Issue[] };

/** Fills in the defaults and orders what has no order, so that equal pipelines are equal values; not checked yet. */
export function complete(draft: PipelineDraft, issues: Issue[] = []): PipelineSpec {
  const spec = completeHead(draft);
  const subs = draft.tasks.flatMap(({ name, sub }): [string, SubPipeline][] => (sub ? [[name, sub]] : []));
  return inlinePipelines(spec, new Map(subs), issues);
}

function completeHead(draft: PipelineDraft): PipelineSpec {
  return {
    name: draft.name,
    params: byKey(draft.params),
    tasks: completeTasks(draft.tasks),
    ...(draft.triggers?.length ? { triggers: draft.triggers } : {}),
    ...(draft.notify?.length ? { notify: draft.notify } : {}),
    ...(draft.concurrency ? { concurrency: draft.concurrency } : {}),
    ...(draft.rate ? { rate: draft.rate } : {}),
    project: draft.project ?? PROJECT_DEFAULT,
    priority: draft.priority ?? 0,
  };
}

function completeTasks(drafts: readonly TaskDraft[]): TaskSpec[] {
  const likeness = new Likeness<TaskDraft, TaskSpec>(({ run }) => run);
  return drafts.map((draft) => {
    const like = likeness.find(draft);
    if (!like) return likeness.keep(draft, completeTask(draft));
    return { ...like, name: draft.name, needs: needsOf(draft.needs ?? NONE, like.inputs) };
  });
}

function completeTask(draft: TaskDraft): TaskSpec {
  const inputs = byKey(draft.inputs ?? NOTHING);
  return {
    name: draft.name,
    run: draft.run,
    needs: needsOf(draft.needs ?? NONE, inputs),
    inputs,
    ...(isSaid(draft.sources ?? "") ? { sources: byKey(draft.sources ?? NOTHING) } : {}),
    outputs: byKey(draft.outputs ?? NOTHING),
    resources: orPlain(completeResources(draft.resources), PLAIN_RESOURCES),
    map: orNone(draft.map ?? []),
    retries: orPlain(completeRetries(draft.retries), PLAIN_RETRIES),
    timeoutMs: draft.timeoutMs ?? 0,
    env: byKey(draft.env ?? NOTHING),
    files: orNone(draft.files ?? []),
    environment: draft.environment ?? BARE,
    stopGraceMs: draft.stopGraceMs ?? DEFAULTS.stopGraceMs,
    flow: completeFlow(draft.flow),
    alternatives: draft.alternatives?.length ? draft.alternatives.map(completeResources) : NONE,
    placement: draft.placement ?? null,
    nodes: draft.nodes ?? 1,
    preemptible: draft.preemptible ?? false,
    checkpoint: draft.checkpoint ?? false,
    ...(draft.checkpointEveryMs ? { checkpointEveryMs: draft.checkpointEveryMs } : {}),
    ...(draft.service ? { service: draft.service } : {}),
    ...(draft.keepOutputs ? { keepOutputs: true as const } : {}),
  };
}

function completeRetries(draft: TaskDraft["retries"]): TaskSpec["retries"] {
  const backoffMs = draft?.backoffMs ?? DEFAULTS.backoffMs;
  const { exitCodes = NONE, reasons = NONE } = draft ?? {};
  return {
    limit: draft?.limit ?? 0,
    backoffMs,
    backoffMsMax: draft?.backoffMsMax ?? Math.max(DEFAULTS.backoffMsMax, backoffMs),
    exitCodes: exitCodes.length === 0 ? NONE : [...new Set(exitCodes)].toSorted((a, b) => a - b),
    reasons: reasons.length === 0 ? NONE : [...new Set(reasons)].toSorted(),
    crashes: draft?.crashes ?? DEFAULTS.crashes,
  };
}

/** Those it says, then those it takes inputs from, each once. */
function needsOf(said: readonly string[], inputs: Readonly<Record<string, InputSpec>>): readonly string[] {
  if (inputs === NOTHING && said.length <= 1) return orNone(said);
  return orNone([...new Set([...said, ...Object.values(inputs).map((input) => input.task)])]);
}

/** Shared by all tasks that say nothing there: of 100,000 waiting tasks they would be half of the memory. */
const NONE: readonly never[] = Object.freeze([]);
const NOTHING: Readonly<Record<string, never>> = Object.freeze({});
const BARE: Environment = Object.freeze({ kind: "none" });

const PLAIN_RETRIES = Object.freeze(completeRetries(undefined));
const PLAIN_RESOURCES = Object.freeze(completeResources(undefined));

/** Of values without fields of their own but numbers and NONE. */
function orPlain<T extends object>(value: T, plain: T): T {
  for (const key in value) if (value[key] !== plain[key]) return value;
  return plain;
}

function orNone<T>(list: readonly T[]): readonly T[] {
  return list.length === 0 ? NONE : list;
}

function byKey<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
  let isEmpty = true;
  for (const _ in record) isEmpty = false;
  if (isEmpty) return NOTHING;
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The message as a checked, complete pipeline. In the message 0 and "" mean "not said". */
export function fromProto(message: PipelineSpec__Output): Canonical {
  const issues: Issue[] = [];
  const params = Object.entries(message.params).map(([name, value]): [string, Scalar] => {
    const scalar = fromProtoValue(value);
    if (scalar === undefined) issues.push({ path: ["params", name], message: NOT_SCALAR });
    return [name, scalar ?? null];
  });
  const likeness = new Likeness<TaskSpec__Output, TaskDraft>(({ command }) => command);
  const tasks = message.tasks.map((task): TaskDraft => {
    const like = likeness.find(task);
    if (like) return { ...like, name: task.name, needs: task.needs };
    const before = issues.length;
    const draft = draftOf(task, issues);
    // What is wrong with one is said of each.
    return issues.length > before || draft.sub ? draft : likeness.keep(task, draft);
  });
  const triggers = message.triggers.flatMap((each, i) => triggerFromProto(each, ["on", i], issues) ?? []);
  const notify = message.notify.flatMap((each, i) => notifyFromProto(each, ["notify", i], issues) ?? []);
  const concurrency = concurrencyFromProto(message.concurrency, issues);
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, LIMITS.issues) };
  const spec = complete(
    {
      name: message.name,
      params: Object.fromEntries(params),
      tasks,
      triggers,
      notify,
      concurrency,
      rate: rateFromProto(message.rate),
      project: message.project === "" ? undefined : message.project,
      priority: message.priority,
    },
    issues,
  );
  if (issues.length > 0) return { ok: false, issues: issues.slice(0, LIMITS.issues) };
  const found = checkPipeline(spec);
  return found.length > 0 ? { ok: false, issues: found } : { ok: true, spec };
}

const NOT_SCALAR = "holds a list or an object; a string, a number, true, false or null would be right";
const said = (value: number): number | undefined => (value === 0 ? undefined : value);

function draftOf(task: TaskSpec__Output, issues: Issue[]): TaskDraft {
  const path = ["tasks", task.name];
  const map = task.map.map((dimension): MapDimension => ({
    name: dimension.name,
    values: dimension.values.map((value, i) => {
      const scalar = fromProtoValue(value);
      if (scalar === undefined) issues.push({ path: [...path, "map", dimension.name, i], message: NOT_SCALAR });
      return scalar ?? null;
    }),
  }));
  return {
    name: task.name,
    run: runOf(task, issues),
    needs: task.needs,
    ...inputsFromProto(task.inputs, path, issues),
    outputs: task.outputs,
    resources: resourcesDraft(task.resources),
    map,
    retries: {
      limit: task.retries?.limit ?? 0,
      backoffMs: said(task.retries?.backoffMs ?? 0),
      backoffMsMax: said(task.retries?.maxBackoffMs ?? 0),
      exitCodes: task.retries?.exitCodes ?? [],
      reasons: reasonsOf(task, issues),
      crashes: task.retries?.crashes,
    },
    timeoutMs: task.timeoutMs,
    env: task.env,
    files: task.files,
    environment: environmentOf(task, issues),
    stopGraceMs: said(task.stopGraceMs),
    flow: flowFromProto(task, issues),
    ...subOf(task, issues),
    alternatives: task.alternatives.map(resourcesDraft),
    placement: placementOf(task.placement),
    nodes: said(task.nodes),
    preemptible: task.preemptible,
    checkpoint: task.checkpoint,
    checkpointEveryMs: task.checkpointEveryMs,
    service: task.service ? serviceFromProto(task.name, task.service, issues) : undefined,
    keepOutputs: task.keepOutputs,
  };
}

/** Of a task that waits for an approval, or stands for a pipeline. */
export const NOTHING_TO_RUN: Run = Object.freeze({ kind: "command", argv: Object.freeze([]) });

/** What a task that stands for a pipeline may say beside it. */
const SAID_BESIDE = new Set(["name", "needs", "when", "if", "pipeline", "resources", "retries"]);

function subOf(task: TaskSpec__Output, issues: Issue[]): { sub?: SubPipeline } {
  const { pipeline: sub } = task;
  if (!sub?.pipeline) return {};
  const path = ["tasks", task.name];
  for (const [key, value] of Object.entries(task)) {
    if (SAID_BESIDE.has(key) || !isSaid(value)) continue;
    issues.push({ path: [...path, key], message: `"${key}" means nothing beside "pipeline"; say it to its tasks` });
  }
  const read = fromProto(sub.pipeline);
  if (!read.ok) {
    for (const issue of read.issues)
      issues.push({ path: [...path, "pipeline"], message: `${issue.path.join(".")}: ${issue.message}` });
    return {};
  }
  const params: Record<string, Binding> = {};
  for (const [name, param] of Object.entries(sub.paramNames)) params[name] = { param };
  for (const [name, value] of Object.entries(sub.params)) {
    const scalar = fromProtoValue(value);
    if (scalar === undefined) issues.push({ path: [...path, "params", name], message: NOT_SCALAR });
    params[name] = { value: scalar ?? null };
  }
  return { sub: { spec: read.spec, params } };
}

function isSaid(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return value !== null && value !== "" && value !== 0 && value !== false;
}

function runOf(task: TaskSpec__Output, issues: Issue[]): Run {
  if ((task.approve || task.pipeline || task.join) && task.script === "" && task.command.length === 0)
    return NOTHING_TO_RUN;
  const both = task.script !== "" && task.command.length > 0;
  const none = task.script === "" && task.command.length === 0;
  if (both || none) {
    const what = both ? "has both a script and a command" : "does not say what to run";
    issues.push({
      path: ["tasks", task.name, "run"],
      message: `task "${task.name}" ${what}; give one of script and command`,
    });
  }
  return task.script === "" ? { kind: "command", argv: task.command } : { kind: "script", script: task.script };
}

/** The message of a pipeline; `fromProto` gives back an equal one. */
export function toProto(spec: PipelineSpec): PipelineSpecProto {
  return {
    name: spec.name,
    params: toProtoValues(spec.params),
    tasks: spec.tasks.map(taskToProto),
    triggers: (spec.triggers ?? []).map(triggerToProto),
    notify: (spec.notify ?? []).map(notifyToProto),
    ...(spec.concurrency ? { concurrency: concurrencyToProto(spec.concurrency) } : {}),
    ...(spec.rate ? { rate: rateToProto(spec.rate) } : {}),
    project: spec.project,
    priority: spec.priority,
  };
}

function taskToProto(task: TaskSpec): TaskSpecProto {
  return {
    name: task.name,
    ...(task.run.kind === "script" ? { script: task.run.script } : { command: [...task.run.argv] }),
    needs: [...task.needs],
    inputs: inputsToProto(task),
    outputs: { ...task.outputs },
    resources: resourcesToProto(task.resources),
    map: task.map.map(({ name, values }) => ({ name, values: values.map(toProtoValue) })),
    retries: {
      limit: task.retries.limit,
      backoffMs: task.retries.backoffMs,
      maxBackoffMs: task.retries.backoffMsMax,
      exitCodes: [...task.retries.exitCodes],
      reasons: [...task.retries.reasons],
      ...(task.retries.crashes === DEFAULTS.crashes ? {} : { crashes: task.retries.crashes }),
    },
    timeoutMs: task.timeoutMs,
    env: { ...task.env },
    files: [...task.files],
    environment: environmentToProto(task.environment),
    stopGraceMs: task.stopGraceMs,
    ...flowToProto(task.flow),
    alternatives: task.alternatives.map(resourcesToProto),
    placement: task.placement && placementToProto(task.placement),
    nodes: task.nodes,
    preemptible: task.preemptible,
    checkpoint: task.checkpoint,
    ...(task.checkpointEveryMs === undefined ? {} : { checkpointEveryMs: task.checkpointEveryMs }),
    ...(task.service ? { service: serviceToProto(task.service) } : {}),
    ...(task.keepOutputs ? { keepOutputs: true } : {}),
  };
}
