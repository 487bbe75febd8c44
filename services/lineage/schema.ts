import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from "drizzle-orm/pg-core";

/**
 * One row an attempt that has ended; written in the transaction that ends it, and never changed but for the place of
 * its logs. Times are epoch milliseconds. Empty text and null mean the same as in the proto's Execution.
 */
export const executions = pgTable(
  "executions",
  {
    /** `job.task.index.attempt` */
    id: text().primaryKey(),
    jobId: text("job_id").notNull(),
    task: text().notNull(),
    index: integer().notNull(),
    attempt: integer().notNull(),
    /** succeeded, failed, cancelled or lost */
    state: text().notNull(),
    nodeId: text("node_id").notNull(),
    node: text().notNull(),
    gpuUuids: text("gpu_uuids").array().notNull(),
    /** Tree manifest of the submitted folder; null: no code. */
    codeDigest: text("code_digest"),
    codeCommit: text("code_commit"),
    codeDirty: boolean("code_dirty").notNull(),
    /** The rendered script, or the JSON of the argument list. */
    command: text().notNull(),
    params: jsonb().notNull(),
    map: jsonb().notNull(),
    /** Null: no process was started. */
    startedAtMs: doublePrecision("started_at_ms"),
    finishedAtMs: doublePrecision("finished_at_ms").notNull(),
    exitCode: integer("exit_code"),
    signal: text(),
    reason: text().notNull(),
    message: text().notNull(),
    cpuMs: doublePrecision("cpu_ms").notNull(),
    peakMemoryBytes: bigint("peak_memory_bytes", { mode: "number" }).notNull(),
    /** cgroup, sampled or none */
    usageSource: text("usage_source").notNull(),
    environmentDigest: text("environment_digest"),
    stdoutBytes: bigint("stdout_bytes", { mode: "number" }).notNull(),
    stderrBytes: bigint("stderr_bytes", { mode: "number" }).notNull(),
    /** The whole logs are in the store; false: they are still with the node or in the log stream. */
    archived: boolean().notNull().default(false),
    /** Null: not archived, or the stream is empty. */
    stdoutDigest: text("stdout_digest"),
    stderrDigest: text("stderr_digest"),
  },
  (table) => [
    index("executions_job").on(table.jobId),
    index("executions_environment")
      .on(table.environmentDigest)
      .where(sql`${table.environmentDigest} is not null`),
    check("executions_state", sql`${table.state} in ('succeeded', 'failed', 'cancelled', 'lost')`),
  ],
);

/** Content that some execution read or wrote. The first to write it stays its producer. */
export const artifacts = pgTable(
  "artifacts",
  {
    digest: text().primaryKey(),
    /** file or tree */
    kind: text().notNull(),
    /** Null: known as an input only, e.g. submitted code. */
    bytes: bigint({ mode: "number" }),
    /** Execution; null: submitted. */
    producer: text(),
  },
  (table) => [check("artifacts_kind", sql`${table.kind} in ('file', 'tree')`)],
);

/** What an execution read (`input`; submitted code is the input named "code") and wrote (`output`). */
export const edges = pgTable(
  "edges",
  {
    execution: text().notNull(),
    /** input or output */
    direction: text().notNull(),
    name: text().notNull(),
    digest: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.execution, table.direction, table.name, table.digest] }),
    // With the execution, so that the producer in one job of bytes that thousands of jobs made is found at once.
    index("edges_digest").on(table.digest, table.execution.op("text_pattern_ops")),
    check("edges_direction", sql`${table.direction} in ('input', 'output')`),
  ],
);

/**
 * What attempts have read that no task of their job made: versions of data sets, and URIs. Written with their executions, and never changed.
 */
export const sourceReads = pgTable(
  "source_reads",
  {
    execution: text().notNull(),
    /** Of the input. */
    name: text().notNull(),
    jobId: text("job_id").notNull(),
    task: text().notNull(),
    /** In the graph: dataset:NAME@VERSION, or URI#VERSION. */
    node: text().notNull(),
    /** Empty: its bytes were fixed when the job was accepted, and nothing was read there. */
    uri: text().notNull(),
    version: text().notNull(),
    digest: text().notNull(),
    /** file or tree */
    kind: text().notNull(),
    bytes: bigint({ mode: "number" }).notNull(),
    fileName: text("file_name").notNull(),
    /** The bytes were put into the artifact store. */
    kept: boolean().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.execution, table.name] }),
    index("source_reads_node").on(table.node),
    index("source_reads_uri")
      .on(table.uri)
      .where(sql`${table.uri} <> ''`),
    index("source_reads_job")
      .on(table.jobId)
      .where(sql`${table.uri} <> ''`),
    check("source_reads_kind", sql`${table.kind} in ('file', 'tree')`),
  ],
);

/**
 * Edges of the graph that are not of an attempt's inputs and outputs: from what was there first to what came of it. Ids are those of nodes (see
 * core/node.ts). Never changed.
 */
export const links = pgTable(
  "links",
  {
    source: text().notNull(),
    target: text().notNull(),
    /** What the target is to the source, e.g. "registered", "read". */
    kind: text().notNull(),
    atMs: doublePrecision("at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.target, table.source, table.kind] }),
    index("links_source").on(table.source),
  ],
);
