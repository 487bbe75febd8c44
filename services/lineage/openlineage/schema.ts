import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";

/** Compared by its bytes, so that its order is the same on every machine. */
const plainText = customType<{ data: string }>({ dataType: () => 'text collate "C"' });

/** Every event that was accepted, as it came. Times, here and below, are epoch milliseconds. */
export const openlineageEvents = pgTable(
  "openlineage_events",
  {
    /** Digest of what it says: an event that is sent again is the same one. */
    id: plainText().primaryKey(),
    atMs: doublePrecision("at_ms").notNull(),
    receivedMs: doublePrecision("received_ms").notNull(),
    /** run, job or dataset */
    kind: text().notNull(),
    body: json().notNull(),
  },
  (table) => [index("openlineage_events_at").on(table.atMs, table.id)],
);

export const openlineageJobs = pgTable(
  "openlineage_jobs",
  {
    /** As in core/node.ts; so with those below. */
    node: plainText().primaryKey(),
    namespace: plainText().notNull(),
    name: plainText().notNull(),
    createdMs: doublePrecision("created_ms").notNull(),
    updatedMs: doublePrecision("updated_ms").notNull(),
  },
  (table) => [index("openlineage_jobs_name").on(table.namespace, table.name)],
);

export const openlineageRuns = pgTable(
  "openlineage_runs",
  {
    /** UUID, lower case. */
    id: plainText().primaryKey(),
    namespace: plainText().notNull(),
    name: plainText().notNull(),
    /** NEW, RUNNING, COMPLETED, ABORTED or FAILED */
    state: text().notNull(),
    /** See RunRow in core/fold.ts. */
    stateTurn: doublePrecision("state_turn").notNull(),
    startedMs: doublePrecision("started_ms"),
    endedMs: doublePrecision("ended_ms"),
    nominalStartMs: doublePrecision("nominal_start_ms"),
    nominalEndMs: doublePrecision("nominal_end_ms"),
    parent: text(),
    jobVersion: text("job_version"),
    createdMs: doublePrecision("created_ms").notNull(),
    updatedMs: doublePrecision("updated_ms").notNull(),
  },
  (table) => [index("openlineage_runs_job").on(table.namespace, table.name, table.createdMs.desc())],
);

export const openlineageDatasets = pgTable(
  "openlineage_datasets",
  {
    node: plainText().primaryKey(),
    namespace: plainText().notNull(),
    name: plainText().notNull(),
    createdMs: doublePrecision("created_ms").notNull(),
    updatedMs: doublePrecision("updated_ms").notNull(),
  },
  (table) => [index("openlineage_datasets_name").on(table.namespace, table.name)],
);

/** Versions that a facet named. */
export const openlineageVersions = pgTable(
  "openlineage_versions",
  {
    dataset: plainText().notNull(),
    version: plainText().notNull(),
    node: plainText().notNull(),
    /** That wrote it; null: not known. */
    run: text(),
    createdMs: doublePrecision("created_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.dataset, table.version] }),
    index("openlineage_versions_node").on(table.node),
    index("openlineage_versions_newest").on(table.dataset, table.createdMs.desc()),
  ],
);

/** What runs, and jobs, read and wrote. */
export const openlineageUses = pgTable(
  "openlineage_uses",
  {
    /** Id of a run, or node of a job. */
    owner: plainText().notNull(),
    direction: text().notNull(),
    dataset: plainText().notNull(),
    /** Empty: none was named. */
    version: plainText().notNull(),
    node: plainText().notNull(),
    /** It stands in `links`. */
    edge: boolean().notNull(),
    atMs: doublePrecision("at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.owner, table.direction, table.dataset, table.version] }),
    index("openlineage_uses_dataset").on(table.dataset, table.direction, table.atMs.desc()),
    // Of a data set that a million runs read a few jobs are asked for.
    index("openlineage_uses_jobs")
      .on(table.dataset)
      .where(sql`${table.owner} like 'job:%'`),
    check("openlineage_uses_direction", sql`${table.direction} in ('input', 'output')`),
  ],
);

/** The newest facet of each name, by the time of its event. */
export const openlineageFacets = pgTable(
  "openlineage_facets",
  {
    /** A node, or one use: see useOwner in core/fold.ts. */
    owner: plainText().notNull(),
    name: plainText().notNull(),
    turn: doublePrecision().notNull(),
    /** Null: taken back, with `_deleted`. */
    body: json(),
  },
  (table) => [primaryKey({ columns: [table.owner, table.name] })],
);

/**
 * What is to be told, a row for some hundred attempts and jobs, written in the transaction that makes it true; gone when a receiver has taken it.
 */
export const openlineageOutbox = pgTable("openlineage_outbox", {
  id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  /** `News` of outbox-store.ts: ids, whose rows say the rest. */
  news: json().notNull(),
  atMs: doublePrecision("at_ms").notNull(),
  attempts: integer().notNull(),
  /** Not to be tried before. */
  nextMs: doublePrecision("next_ms").notNull(),
});
