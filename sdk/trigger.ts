import { weftServices } from "../proto/channel.ts";
import type { Firing__Output } from "../proto/gen/weft/v1/Firing.ts";
import type { PipelineSpec } from "../proto/gen/weft/v1/PipelineSpec.ts";
import type { Trigger__Output } from "../proto/gen/weft/v1/Trigger.ts";
import type { TriggerSpec__Output } from "../proto/gen/weft/v1/TriggerSpec.ts";
import { type Scalar, toProtoValues } from "../proto/value.ts";
import { type Code, type CodeOptions, codeOf, codeToProto, dateOf, said, scalarsOf } from "./job.ts";
import type { Link } from "./link.ts";

const DEADLINE_MS = 10_000;
/** Large pipelines are checked and stored within one call. */
const APPLY_DEADLINE_MS = 60_000;

export type TriggerKind = "schedule" | "nats" | "webhook" | "data" | "job" | "manual";

/** What became of one event. */
export interface Firing {
  readonly event: string;
  readonly at: Date;
  /** pending, accepted, fired, dropped, refused */
  readonly state: string;
  readonly kind: string;
  readonly jobId: string | null;
  readonly reason: string | null;
}

export interface Trigger {
  /** PIPELINE.NAME */
  readonly name: string;
  readonly pipeline: string;
  readonly state: "active" | "paused";
  readonly kind: TriggerKind;
  /** What it fires on, in few words: the cron expression and its zone, the subject, … */
  readonly source: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly dedupeWindowMs: number;
  readonly dedupeKey: string;
  readonly cooldownMs: number;
  /** Of the stored pipeline. */
  readonly version: number;
  /** Only from `get`. */
  readonly code: Code | null;
  /** Of the stored pipeline; only from `get`. */
  readonly pipelineParams: Readonly<Record<string, Scalar>>;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly firedAt: Date | null;
  /** Null: no schedule, or paused. */
  readonly nextAt: Date | null;
  /** Path of a webhook on the server's HTTP. */
  readonly hook: string | null;
  /** Newest first; only from `get`. */
  readonly firings: readonly Firing[];
}

export interface AppliedTrigger {
  readonly name: string;
  readonly change: "created" | "changed" | "unchanged" | "removed";
  /** Only when it was made or given in this call: it is not shown again. */
  readonly secret: string | null;
  readonly hook: string | null;
  readonly nextAt: Date | null;
}

export interface ApplyOptions {
  readonly params?: Readonly<Record<string, Scalar>>;
  readonly code?: CodeOptions;
  /** -1000 to 1000, higher first; absent: the pipeline's own. */
  readonly priority?: number;
  /** Whose quota and share firings count against; absent: the pipeline's own. */
  readonly project?: string;
  /** Webhook secrets by the trigger's name in the pipeline. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** The triggers of a cluster: `client.triggers`. Errors: `not_found`, `invalid` with issues, `unavailable`. */
export class TriggerClient {
  readonly #link: Link;
  readonly #triggers = weftServices().TriggerService.service;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Makes the triggers of the pipeline what its `triggers` say; firings submit it with these options. */
  async apply(
    pipeline: PipelineSpec | { toProto(): PipelineSpec },
    options: ApplyOptions = {},
  ): Promise<{ pipeline: string; version: number; triggers: AppliedTrigger[] }> {
    const { code, params = {}, priority, project = "", secrets = {} } = options;
    const submit = {
      pipeline: "toProto" in pipeline ? pipeline.toProto() : pipeline,
      params: toProtoValues(params),
      ...(priority === undefined ? {} : { priority }),
      project,
      code: codeToProto(code),
    };
    const request = { submit, secrets: { ...secrets } };
    const response = await this.#link.unary(this.#triggers.Apply, request, APPLY_DEADLINE_MS);
    return {
      pipeline: response.pipeline,
      version: response.version,
      triggers: response.triggers.map(({ name, change, secret, hook, nextAtMs }) => ({
        name,
        change: change as AppliedTrigger["change"],
        secret: said(secret),
        hook: said(hook),
        nextAt: dateOf(nextAtMs),
      })),
    };
  }

  async list(pipeline = ""): Promise<Trigger[]> {
    const response = await this.#link.unary(this.#triggers.List, { pipeline }, DEADLINE_MS);
    return response.triggers.map(triggerOf);
  }

  /** With its latest firings. */
  async get(name: string, firings = 20): Promise<Trigger> {
    return triggerOf(await this.#link.unary(this.#triggers.Get, { name, firings }, DEADLINE_MS));
  }

  async pause(name: string): Promise<Trigger> {
    return triggerOf(await this.#link.unary(this.#triggers.Pause, { name }, DEADLINE_MS));
  }

  async resume(name: string): Promise<Trigger> {
    return triggerOf(await this.#link.unary(this.#triggers.Resume, { name }, DEADLINE_MS));
  }

  /** Answered when the job is there; `jobId` is null when cool-down or deduplication dropped it. */
  async fire(
    name: string,
    options: {
      readonly params?: Readonly<Record<string, Scalar>>;
      readonly key?: string;
      readonly force?: boolean;
    } = {},
  ): Promise<{ jobId: string | null; state: string; reason: string | null; existing: boolean }> {
    const { params = {}, key = "", force = false } = options;
    const request = { name, params: toProtoValues(params), key, force };
    const response = await this.#link.unary(this.#triggers.Fire, request, APPLY_DEADLINE_MS);
    const { jobId, state, reason, existing } = response;
    return { jobId: said(jobId), state, reason: said(reason), existing };
  }

  async remove(name: string): Promise<void> {
    await this.#link.unary(this.#triggers.Remove, { name }, DEADLINE_MS);
  }

  /** The new secret of a webhook; the old one is refused from now on. */
  async rotateSecret(name: string): Promise<string> {
    return (await this.#link.unary(this.#triggers.RotateSecret, { name }, DEADLINE_MS)).secret;
  }
}

function triggerOf(trigger: Trigger__Output): Trigger {
  const { spec } = trigger;
  return {
    name: trigger.name,
    pipeline: trigger.pipeline,
    state: trigger.state as Trigger["state"],
    ...sourceOf(spec),
    params: scalarsOf(spec?.params ?? {}),
    dedupeWindowMs: spec?.dedupeWindowMs ?? 0,
    dedupeKey: spec?.dedupeKey ?? "",
    cooldownMs: spec?.cooldownMs ?? 0,
    version: trigger.version,
    code: codeOf(trigger.code),
    pipelineParams: scalarsOf(trigger.params),
    createdAt: new Date(trigger.createdAtMs),
    changedAt: new Date(trigger.changedAtMs),
    firedAt: dateOf(trigger.firedAtMs),
    nextAt: dateOf(trigger.nextAtMs),
    hook: said(trigger.hook),
    firings: trigger.firings.map(firingOf),
  };
}

function sourceOf(spec: TriggerSpec__Output | null): Pick<Trigger, "kind" | "source"> {
  if (spec?.schedule) {
    const { cron, timezone, missed } = spec.schedule;
    return { kind: "schedule", source: `${cron} ${timezone} (missed: ${missed})` };
  }
  if (spec?.nats) return { kind: "nats", source: `weft.event.${spec.nats.subject}` };
  if (spec?.webhook) return { kind: "webhook", source: `signed as ${spec.webhook.signature}` };
  if (spec?.data) {
    const { pipeline, task, output, from } = spec.data;
    if (from) return { kind: "data", source: from };
    return { kind: "data", source: [pipeline, task, output].filter((part) => part !== "").join(".") };
  }
  if (spec?.job) return { kind: "job", source: `${spec.job.pipeline} ${spec.job.states.join(", ")}` };
  return { kind: "manual", source: "by hand" };
}

function firingOf({ event, atMs, state, kind, jobId, reason }: Firing__Output): Firing {
  return { event, at: new Date(atMs), state, kind, jobId: said(jobId), reason: said(reason) };
}
