import { sql } from "drizzle-orm";
import {
  bigserial,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { Scalar } from "../../lib/core/pipeline/spec.ts";
import type { TriggerSource } from "../../lib/core/pipeline/trigger.ts";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });

/** What a firing submits. Never changed; the same content is the same version. Times are epoch milliseconds. */
export const pipelineVersions = pgTable(
  "pipeline_versions",
  {
    pipeline: text().notNull(),
    /** From 1. */
    version: integer().notNull(),
    /** Of `submit`. */
    digest: text().notNull(),
    /** A SubmitRequest as it travels: so that what is stored today is read by what is built in a year. */
    submit: bytea().notNull(),
    createdAtMs: doublePrecision("created_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.pipeline, table.version] }),
    uniqueIndex("pipeline_versions_digest").on(table.pipeline, table.digest),
  ],
);

export const triggers = pgTable(
  "triggers",
  {
    /** New for each that is made: one that is removed and made again has no events of the old one. */
    id: text().primaryKey(),
    pipeline: text().notNull(),
    name: text().notNull(),
    source: jsonb().$type<TriggerSource>().notNull(),
    /** The pipeline whose jobs it waits for; null: it waits for none. */
    watches: text(),
    params: json().$type<Readonly<Record<string, Scalar>>>().notNull(),
    dedupeWindowMs: doublePrecision("dedupe_window_ms").notNull(),
    dedupeKey: text("dedupe_key").notNull(),
    cooldownMs: doublePrecision("cooldown_ms").notNull(),
    version: integer().notNull(),
    state: text().notNull(),
    /** Of a webhook. */
    secret: text(),
    /** Ticks of a schedule up to here have been looked at. */
    cursorMs: doublePrecision("cursor_ms").notNull(),
    /** Of the last event that was accepted: what the cool-down runs from. */
    firedAtMs: doublePrecision("fired_at_ms"),
    /** Content that a data trigger saw last. */
    lastContent: text("last_content"),
    createdAtMs: doublePrecision("created_at_ms").notNull(),
    changedAtMs: doublePrecision("changed_at_ms").notNull(),
  },
  (table) => [
    uniqueIndex("triggers_name").on(table.pipeline, table.name),
    index("triggers_watches")
      .on(table.watches)
      .where(sql`${table.watches} is not null`),
    check("triggers_state", sql`${table.state} in ('active', 'paused')`),
  ],
);

/**
 * One row an event that reached a trigger; its key makes it one firing, whoever brings it and however often.
 *
 *   pending    nobody has decided about it yet
 *   accepted   `job`, `version` and `params` are fixed; the job is about to be submitted
 *   fired      the job is there
 *   dropped    cool-down, deduplication, missed-run policy
 *   refused    no job can come of it
 */
export const triggerEvents = pgTable(
  "trigger_events",
  {
    trigger: text().notNull(),
    event: text().notNull(),
    /** PIPELINE.NAME, also when the trigger is removed meanwhile. */
    name: text().notNull(),
    /** Order of arrival. */
    seq: bigserial({ mode: "number" }).notNull(),
    /** manual: fired by hand; else as the trigger's source. */
    kind: text().notNull(),
    atMs: doublePrecision("at_ms").notNull(),
    /** What makes it the same as another within the window. */
    content: text().notNull(),
    /** Values for templates; null once it is decided. */
    context: json(),
    /** Given with a firing by hand, or those of the job once it is accepted. */
    params: json().$type<Readonly<Record<string, Scalar>>>().notNull(),
    /** By hand, past cool-down and deduplication. */
    force: integer().notNull(),
    /** How many jobs in a row each started the next, this one counted. */
    depth: integer().notNull(),
    state: text().notNull(),
    version: integer(),
    job: text(),
    reason: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.trigger, table.event] }),
    index("trigger_events_open")
      .on(table.seq)
      .where(sql`${table.state} in ('pending', 'accepted')`),
    index("trigger_events_latest").on(table.trigger, table.seq.desc()),
    index("trigger_events_content")
      .on(table.trigger, table.content, table.atMs)
      .where(sql`${table.state} in ('accepted', 'fired')`),
    check("trigger_events_state", sql`${table.state} in ('pending', 'accepted', 'fired', 'dropped', 'refused')`),
  ],
);
