import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { ArtifactRef, OutputRef } from "../lib/core/dispatch.ts";
import type { Json } from "../lib/core/json.ts";
import type { Code, MapValues, Scalar } from "../lib/core/pipeline/spec.ts";
import type { StoredSpec } from "../lib/core/pipeline/stored.ts";
import type { Capacity, NodeSettings, Quota, ServiceState, TriggeredBy } from "./core/index.ts";
import type { TaskShape } from "./shape.ts";

/** One row: who leads, by Postgres' clock. Whoever takes over raises `term`, and every commit of the scheduler checks it. */
export const leader = pgTable(
  "leader",
  {
    id: integer().primaryKey(),
    term: bigint({ mode: "number" }).notNull(),
    /** New for each process. */
    holder: text().notNull(),
    /** host:port of its gRPC. */
    address: text().notNull(),
    expiresAt: timestamp("expires_at", { withTimezone: true }).notNull(),
  },
  (table) => [check("leader_one_row", sql`${table.id} = 1`)],
);

/**
 * Times are epoch milliseconds. `json`, not `jsonb`, where the order of keys is the user's and nobody searches inside.
 */
export const jobs = pgTable(
  "jobs",
  {
    id: text().primaryKey(),
    pipeline: text().notNull(),
    spec: json().$type<StoredSpec>().notNull(),
    /** Names, needs and sizes of the spec's tasks: enough to count instances that have no row, without reading the spec. */
    shape: json().$type<readonly TaskShape[]>().notNull(),
    params: json().$type<Readonly<Record<string, Scalar>>>().notNull(),
    code: json().$type<Code>(),
    priority: integer().notNull(),
    project: text().notNull().default("default"),
    trigger: text().notNull(),
    idempotencyKey: text("idempotency_key"),
    submittedAtMs: doublePrecision("submitted_at_ms").notNull(),
    state: text().notNull(),
    startedAtMs: doublePrecision("started_at_ms"),
    finishedAtMs: doublePrecision("finished_at_ms"),
    cancelRequested: boolean("cancel_requested").notNull(),
    /** What keeps it from starting; null: nothing. */
    waitsFor: text("waits_for"),
    reason: text().notNull(),
    /** Null: somebody submitted it. */
    triggeredBy: json("triggered_by").$type<TriggeredBy>(),
  },
  (table) => [
    check("jobs_state", sql`${table.state} in ('pending', 'running', 'succeeded', 'failed', 'cancelled')`),
    uniqueIndex("jobs_idempotency_key").on(table.idempotencyKey),
    // Lists: newest first, by page, also of one state or one pipeline.
    index("jobs_newest").on(table.submittedAtMs.desc(), table.id.desc()),
    index("jobs_state_newest").on(table.state, table.submittedAtMs.desc(), table.id.desc()),
    index("jobs_pipeline_newest").on(table.pipeline, table.submittedAtMs.desc(), table.id.desc()),
    // `id like 'abc%'` whatever the collation of the database.
    index("jobs_id_prefix").on(table.id.op("text_pattern_ops")),
    // What a new leader loads.
    index("jobs_unfinished")
      .on(table.id)
      .where(sql`${table.state} in ('pending', 'running')`),
  ],
);

/**
 * Rows exist only for instances that did something of their own (see TaskRow). No index on what changes, so that updates
 * stay within their page; no foreign key: the scheduler is the only writer, and the check would cost each row.
 */
export const tasks = pgTable(
  "tasks",
  {
    job: text().notNull(),
    task: text().notNull(),
    index: integer().notNull(),
    state: text().notNull(),
    attempt: integer().notNull(),
    node: text(),
    gpuUuids: jsonb("gpu_uuids").$type<readonly string[]>().notNull(),
    choice: integer().notNull().default(0),
    assignedAtMs: doublePrecision("assigned_at_ms"),
    startedAtMs: doublePrecision("started_at_ms"),
    finishedAtMs: doublePrecision("finished_at_ms"),
    exitCode: integer("exit_code"),
    reason: text().notNull(),
    message: text().notNull(),
    outputs: jsonb().$type<readonly OutputRef[]>().notNull(),
    /** What it wrote to $WEFT_RESULT, if that is small JSON. */
    result: json().$type<Json>(),
    /** What the result cache said about it; null: it was not asked. */
    cache: json().$type<{ readonly key: string | null; readonly why: string }>(),
    checkpoint: json().$type<ArtifactRef & { readonly atMs?: number }>(),
    failures: integer().notNull(),
    losses: integer().notNull(),
    crashes: integer().notNull().default(0),
    /** Null: no service, or not begun. */
    service: json().$type<ServiceState>(),
    notBeforeMs: doublePrecision("not_before_ms"),
  },
  (table) => [
    primaryKey({ columns: [table.job, table.task, table.index] }),
    check(
      "tasks_state",
      sql`${table.state} in ('pending', 'ready', 'waiting', 'assigned', 'running', 'ending', 'succeeded', 'failed', 'cancelled', 'skipped')`,
    ),
  ],
);

/** The instances of a task that maps over a list known only at run time; written when it became known, with its job's changes. */
export const taskMaps = pgTable(
  "task_maps",
  {
    job: text().notNull(),
    task: text().notNull(),
    count: integer().notNull(),
    /** One value, or as many as the map has names, for each instance in turn. */
    values: json().$type<MapValues>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.job, table.task] })],
);

/** Results that may be taken for the same work, and keys (`execution` is null) whose result is to come. */
export const resultCache = pgTable(
  "result_cache",
  {
    key: text().primaryKey(),
    /** The same task with the same map values. */
    lane: text().notNull(),
    /** What the key is made of, part by part. */
    parts: json().$type<Readonly<Record<string, string>>>().notNull(),
    /** The attempt that made it. */
    execution: text(),
    outputs: json().$type<readonly OutputRef[]>(),
    result: json().$type<Json>(),
    madeAtMs: doublePrecision("made_at_ms").notNull(),
  },
  (table) => [index("result_cache_lane").on(table.lane, table.madeAtMs.desc())],
);

/** When what is under a rate limit was started; rows that no longer count are removed by a new leader. */
export const rates = pgTable("rates", {
  key: text().primaryKey(),
  /** Epoch milliseconds, in order. */
  starts: json().$type<readonly number[]>().notNull(),
  perMs: doublePrecision("per_ms").notNull(),
});

export const nodes = pgTable(
  "nodes",
  {
    id: text().primaryKey(),
    name: text().notNull(),
    state: text().notNull(),
    labels: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    capacity: jsonb().$type<Capacity>().notNull(),
    /** NodeSettings; empty for a node of which nothing was said. */
    settings: jsonb().$type<Partial<NodeSettings>>().notNull().default({}),
    address: text().notNull().default(""),
    era: integer().notNull().default(0),
  },
  (table) => [check("nodes_state", sql`${table.state} in ('ready', 'cordoned', 'draining', 'lost')`)],
);

/** Only projects of which something was said. */
export const projects = pgTable("projects", {
  name: text().primaryKey(),
  weight: doublePrecision().notNull(),
  quota: jsonb().$type<Quota>().notNull(),
});
