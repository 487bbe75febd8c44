import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
/** Epoch milliseconds, or a count: under 2^53. */
const whole = (name: string) => bigint(name, { mode: "number" });
/** Of the value, in an index: a whole value may be longer than a page of it. */
const INDEXED_CHARS = sql.raw("120");

/** Experiments as MLflow means them. Times are epoch milliseconds. */
export const experiments = pgTable(
  "experiments",
  {
    /** Counted up; that of a pipeline is made from its name (see lib/task-run.ts). */
    id: bigint({ mode: "bigint" }).primaryKey().generatedByDefaultAsIdentity(),
    name: text().notNull(),
    artifactLocation: text("artifact_location").notNull(),
    deleted: boolean().notNull().default(false),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
  },
  (table) => [uniqueIndex("experiments_name").on(table.name)],
);

export const experimentTags = pgTable(
  "experiment_tags",
  {
    experiment: bigint({ mode: "bigint" }).notNull(),
    key: text().notNull(),
    value: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.experiment, table.key] })],
);

/**
 * Tracked runs. `number` names one in the tables below: they are large, and it has a quarter of the id's bytes. Rows of a run that
 * is deleted stay, so that it can be restored.
 */
export const runs = pgTable(
  "runs",
  {
    number: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    id: text().notNull(),
    experiment: bigint({ mode: "bigint" }).notNull(),
    name: text().notNull(),
    userId: text("user_id").notNull(),
    status: text().notNull(),
    startMs: whole("start_ms").notNull(),
    endMs: whole("end_ms"),
    deletedMs: whole("deleted_ms"),
    deleted: boolean().notNull().default(false),
    artifactUri: text("artifact_uri").notNull(),
    /** `job.task.index.attempt` of a task's own run, and of those that were made in it. */
    attempt: text(),
    /** The attempt is not known to have ended. */
    attemptOpen: boolean("attempt_open").notNull().default(false),
  },
  (table) => [
    uniqueIndex("runs_id").on(table.id),
    // The order of a search that names no other.
    index("runs_newest").on(table.experiment, table.startMs.desc(), table.id),
    // The run of an attempt, for lineage.
    index("runs_attempt")
      .on(table.attempt)
      .where(sql`${table.attempt} is not null`),
    index("runs_attempt_open")
      .on(table.attempt)
      .where(sql`${table.attemptOpen}`),
    check("runs_status", sql`${table.status} in ('RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED')`),
  ],
);

export const runParams = pgTable(
  "run_params",
  {
    run: bigint({ mode: "number" }).notNull(),
    key: text().notNull(),
    value: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.key] }),
    index("run_params_value").on(table.key, sql`left(${table.value}, ${INDEXED_CHARS})`),
  ],
);

export const runTags = pgTable(
  "run_tags",
  {
    run: bigint({ mode: "number" }).notNull(),
    key: text().notNull(),
    value: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.key] }),
    index("run_tags_value").on(table.key, sql`left(${table.value}, ${INDEXED_CHARS})`),
  ],
);

/** The latest value of each metric of a run: that of the greatest (step, timestamp, value). */
export const runMetrics = pgTable(
  "run_metrics",
  {
    run: bigint({ mode: "number" }).notNull(),
    key: text().notNull(),
    value: doublePrecision().notNull(),
    timestampMs: bigint("timestamp_ms", { mode: "bigint" }).notNull(),
    step: bigint({ mode: "bigint" }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.key] }),
    // With the run, so that a filter is read from the index alone.
    index("run_metrics_value_run").on(table.key, table.value, table.run),
  ],
);

/**
 * Points of one metric of one run, packed (core/points.ts): what one commit brought, or many of those put together. The
 * same point may be in several; it counts once.
 */
export const metricChunks = pgTable(
  "metric_chunks",
  {
    id: bigint({ mode: "number" }).generatedAlwaysAsIdentity().notNull(),
    run: bigint({ mode: "number" }).notNull(),
    key: text().notNull(),
    /** Says nothing any more; the version before still writes it. */
    level: smallint().notNull().default(0),
    count: integer().notNull(),
    firstMs: bigint("first_ms", { mode: "bigint" }).notNull(),
    lastMs: bigint("last_ms", { mode: "bigint" }).notNull(),
    firstStep: bigint("first_step", { mode: "bigint" }).notNull(),
    lastStep: bigint("last_step", { mode: "bigint" }).notNull(),
    points: bytea().notNull(),
    /** A few of its points, evenly spread, for views of long histories; null: it is small. */
    sample: bytea(),
  },
  (table) => [index("metric_chunks_metric").on(table.run, table.key)],
);

/** Data sets that runs of an experiment read. */
export const datasets = pgTable(
  "datasets",
  {
    id: bigint({ mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    experiment: bigint({ mode: "bigint" }).notNull(),
    name: text().notNull(),
    digest: text().notNull(),
    sourceType: text("source_type").notNull(),
    source: text().notNull(),
    schema: text(),
    profile: text(),
  },
  (table) => [uniqueIndex("datasets_digest").on(table.experiment, table.name, table.digest)],
);

export const runDatasets = pgTable(
  "run_datasets",
  {
    run: bigint({ mode: "number" }).notNull(),
    dataset: bigint({ mode: "number" }).notNull(),
    /** Its tags, e.g. mlflow.data.context: key to value. */
    tags: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.dataset] }), index("run_datasets_dataset").on(table.dataset)],
);

/** Logged models that a run read or made. */
export const runModels = pgTable(
  "run_models",
  {
    run: bigint({ mode: "number" }).notNull(),
    /** input or output */
    direction: text().notNull(),
    model: text().notNull(),
    step: bigint({ mode: "bigint" }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.run, table.direction, table.model] }),
    index("run_models_model").on(table.model),
    check("run_models_direction", sql`${table.direction} in ('input', 'output')`),
  ],
);

export const loggedModels = pgTable(
  "logged_models",
  {
    /** `m-` and 32 hex digits. */
    id: text().primaryKey(),
    experiment: bigint({ mode: "bigint" }).notNull(),
    name: text().notNull(),
    artifactUri: text("artifact_uri").notNull(),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
    status: text().notNull(),
    statusMessage: text("status_message"),
    modelType: text("model_type").notNull(),
    sourceRunId: text("source_run_id"),
    deleted: boolean().notNull().default(false),
  },
  (table) => [
    index("logged_models_newest").on(table.experiment, table.createdMs.desc(), table.id),
    check(
      "logged_models_status",
      sql`${table.status} in ('LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED')`,
    ),
  ],
);

export const loggedModelParams = pgTable(
  "logged_model_params",
  { model: text().notNull(), key: text().notNull(), value: text().notNull() },
  (table) => [primaryKey({ columns: [table.model, table.key] })],
);

export const loggedModelTags = pgTable(
  "logged_model_tags",
  { model: text().notNull(), key: text().notNull(), value: text().notNull() },
  (table) => [primaryKey({ columns: [table.model, table.key] })],
);

/** Metrics that were logged with a model's id, all of them: they are few. */
export const loggedModelMetrics = pgTable(
  "logged_model_metrics",
  {
    model: text().notNull(),
    key: text().notNull(),
    value: doublePrecision().notNull(),
    timestampMs: bigint("timestamp_ms", { mode: "bigint" }).notNull(),
    step: bigint({ mode: "bigint" }).notNull(),
    run: bigint({ mode: "number" }).notNull(),
    /** Empty, both: not measured on a data set that was named. */
    datasetName: text("dataset_name").notNull(),
    datasetDigest: text("dataset_digest").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.key, table.timestampMs, table.step, table.run, table.datasetName] }),
  ],
);

/** Histograms, images and texts that a run wrote for TensorBoard, as they came. */
export const runSummaries = pgTable(
  "run_summaries",
  {
    run: bigint({ mode: "number" }).notNull(),
    key: text().notNull(),
    step: bigint({ mode: "number" }).notNull(),
    wallMs: whole("wall_ms").notNull(),
    /** histogram, image, text, audio or other */
    kind: text().notNull(),
    /** A `Summary.Value` message. */
    value: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.key, table.step, table.wallMs] })],
);

/** TensorBoard's event files of attempts, and up to where each is in the tables above. */
export const eventFiles = pgTable(
  "event_files",
  {
    run: bigint({ mode: "number" }).notNull(),
    /** Relative to the run's folder. */
    file: text().notNull(),
    offset: whole("offset").notNull(),
  },
  (table) => [primaryKey({ columns: [table.run, table.file] })],
);

/** Files behind the artifact proxy: which bytes of the artifact store lie under which path. */
export const trackedFiles = pgTable(
  "tracked_files",
  {
    /** Normalized and relative, e.g. `1/<run id>/artifacts/model/MLmodel`. */
    path: text().notNull(),
    digest: text().notNull(),
    bytes: whole("bytes").notNull(),
    updatedMs: whole("updated_ms").notNull(),
  },
  (table) => [
    // Also what lies in a folder, whatever the collation of the database.
    uniqueIndex("tracked_files_path").on(table.path.op("text_pattern_ops")),
    index("tracked_files_digest").on(table.digest),
  ],
);

/** Uploads in parts that are under way; a part is in the artifact store, the file is not yet to be seen. */
export const trackedUploads = pgTable("tracked_uploads", {
  id: text().primaryKey(),
  path: text().notNull(),
  startedMs: whole("started_ms").notNull(),
});

export const trackedUploadParts = pgTable(
  "tracked_upload_parts",
  {
    upload: text().notNull(),
    part: integer().notNull(),
    digest: text().notNull(),
    bytes: whole("bytes").notNull(),
  },
  (table) => [primaryKey({ columns: [table.upload, table.part] })],
);
