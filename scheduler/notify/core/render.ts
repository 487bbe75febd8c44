import type { NotifyRule, NotifyState, NotifyTarget } from "../../../lib/core/pipeline/notify.ts";
import { fillPlaceholders, type Json } from "../../../lib/core/pipeline/placeholder.ts";
import { formatDuration } from "../../../lib/core/pipeline/units.ts";
import { isoTime } from "../../../lib/core/wall-clock.ts";
import type { JobNews } from "../../core/index.ts";

/** What is to be sent to one target about one change of one job. */
export interface NewNotification {
  /** The same change gives the same id, however often it is worked out. */
  readonly id: string;
  readonly job: string;
  readonly pipeline: string;
  readonly event: NotifyState;
  readonly target: NotifyTarget;
  /** Of a mail; else empty. */
  readonly subject: string;
  readonly text: string;
  /** Of a webhook in JSON. */
  readonly body: Json;
  readonly atMs: number;
}

/** Characters, with values in: Slack shows 4,000 of a message. */
const TEXT_LENGTH_MAX = 4_000;
const SUBJECT_LENGTH_MAX = 200;
/** Parameters that are longer are left out of the body. */
const PARAMS_LENGTH_MAX = 16_000;
/** A job that has ended is told to have begun when it began within this time: rows that say so are kept for longer, so that none comes twice. */
const STARTED_AGE_MS_MAX = 86_400_000;

export function notificationsOf(news: JobNews): NewNotification[] {
  const { row } = news;
  return changesOf(news).flatMap(({ event, atMs }) => {
    const values = valuesOf(news, event);
    return (row.spec.notify ?? []).flatMap((rule, i): NewNotification[] => {
      if (!rule.on.includes(event)) return [];
      const id = `${row.id}.${event}.${Math.floor(atMs)}.${i}`;
      return [{ id, job: row.id, pipeline: row.pipeline, event, atMs, ...contentOf(rule, values, news, event) }];
    });
  });
}

function changesOf({ progress }: JobNews): { event: NotifyState; atMs: number }[] {
  const { state, startedAtMs, finishedAtMs } = progress;
  const changes: { event: NotifyState; atMs: number }[] = [];
  // A job that is cancelled before it began has the one time for both.
  const began = startedAtMs !== null && startedAtMs !== finishedAtMs;
  if (began && (finishedAtMs === null || finishedAtMs - startedAtMs < STARTED_AGE_MS_MAX)) {
    changes.push({ event: "started", atMs: startedAtMs });
  }
  if (finishedAtMs !== null && state !== "pending" && state !== "running")
    changes.push({ event: state, atMs: finishedAtMs });
  return changes;
}

function contentOf(
  rule: NotifyRule,
  values: Json,
  { row }: JobNews,
  event: NotifyState,
): Pick<NewNotification, "target" | "subject" | "text" | "body"> {
  const text = cut(filled(rule.text, values), TEXT_LENGTH_MAX);
  const { target } = rule;
  const subject =
    target.kind === "email" ? cut(filled(target.subject, values).replaceAll(/\s+/g, " "), SUBJECT_LENGTH_MAX) : "";
  const params = JSON.stringify(row.params).length > PARAMS_LENGTH_MAX ? null : row.params;
  const job = (values as { readonly job: { readonly [key: string]: Json } }).job;
  return { target, subject, text, body: { event, text, job: { ...job, params } } };
}

function filled(template: string, values: Json): string {
  const result = fillPlaceholders(template, values);
  // Templates are checked with the pipeline; what is wrong all the same is still better sent than not.
  return result.ok ? String(result.value) : template;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

function valuesOf({ row, progress }: JobNews, event: NotifyState): Json {
  const { startedAtMs, finishedAtMs, reason } = progress;
  const told = event === "started" ? "" : reason;
  return {
    job: {
      id: row.id,
      pipeline: row.pipeline,
      state: event,
      reason: told,
      because: told === "" ? "" : `: ${told}`,
      trigger: row.triggeredBy
        ? `${row.triggeredBy.kind} ${row.triggeredBy.trigger} for ${row.triggeredBy.event}`
        : row.trigger,
      submittedAt: isoTime(row.submittedAtMs),
      startedAt: startedAtMs === null ? "" : isoTime(startedAtMs),
      finishedAt: finishedAtMs === null || event === "started" ? "" : isoTime(finishedAtMs),
      duration:
        startedAtMs === null || finishedAtMs === null ? "" : formatDuration(Math.max(0, finishedAtMs - startedAtMs)),
    },
    params: row.params,
  };
}
