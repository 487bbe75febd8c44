import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";

const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
/** Epoch milliseconds, or a count: under 2^53. */
const whole = (name: string) => bigint(name, { mode: "number" });

/** Traces as MLflow means them: one request to an application, whose steps are spans. */
export const traces = pgTable(
  "traces",
  {
    id: text().primaryKey(),
    experiment: bigint({ mode: "bigint" }).notNull(),
    requestMs: whole("request_ms").notNull(),
    executionMs: whole("execution_ms"),
    state: text().notNull(),
    clientRequestId: text("client_request_id"),
    requestPreview: text("request_preview"),
    responsePreview: text("response_preview"),
    metadata: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    tags: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    /** Somebody said what it is; until then it is known by its spans. */
    told: boolean().notNull(),
  },
  (table) => [
    index("traces_newest").on(table.experiment, table.requestMs.desc(), table.id),
    check("traces_state", sql`${table.state} in ('STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS')`),
  ],
);

export const spans = pgTable(
  "spans",
  {
    trace: text().notNull(),
    id: text().notNull(),
    name: text().notNull(),
    /** MLflow's span type, e.g. LLM. */
    type: text().notNull(),
    /** OK, ERROR or UNSET */
    status: text().notNull(),
    startNs: bigint("start_ns", { mode: "bigint" }).notNull(),
    endNs: bigint("end_ns", { mode: "bigint" }).notNull(),
    /** Name to value, the value as text. */
    attributes: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    /** OTLP's Span as JSON text: jsonb would reorder it. */
    json: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.trace, table.id] })],
);

/** Feedback and expectations on traces. */
export const assessments = pgTable(
  "assessments",
  {
    id: text().primaryKey(),
    trace: text().notNull(),
    name: text().notNull(),
    /** feedback or expectation */
    kind: text().notNull(),
    createdMs: whole("created_ms").notNull(),
    valid: boolean().notNull(),
    /** The value as text, as filters compare it. */
    value: text().notNull(),
    /** MLflow's Assessment. */
    json: jsonb().$type<Readonly<Record<string, unknown>>>().notNull(),
  },
  (table) => [index("assessments_trace").on(table.trace, table.createdMs)],
);

/** Runs that traces were linked to. */
export const traceRuns = pgTable("trace_runs", { trace: text().notNull(), run: text().notNull() }, (table) => [
  primaryKey({ columns: [table.run, table.trace] }),
  index("trace_runs_trace").on(table.trace),
]);

/** MLflow's evaluation data sets: examples that an application is to be judged on. Their names need not differ. */
export const evaluationSets = pgTable(
  "evaluation_sets",
  {
    /** `d-` and 32 hex digits. */
    id: text().primaryKey(),
    name: text().notNull(),
    /** Changes with each change of its records. */
    digest: text().notNull(),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
    createdBy: text("created_by"),
    updatedBy: text("updated_by"),
    /** Key to value. */
    tags: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    /** Of `inputs`, `outputs` and `expectations`: field to type; null: it never had a record. */
    schema: jsonb(),
    /** How many there are. */
    records: integer().notNull(),
  },
  (table) => [index("evaluation_sets_newest").on(table.createdMs.desc(), table.id.desc())],
);

/** Experiments that an evaluation data set belongs to. */
export const evaluationSetExperiments = pgTable(
  "evaluation_set_experiments",
  { set: text().notNull(), experiment: bigint({ mode: "bigint" }).notNull() },
  (table) => [
    primaryKey({ columns: [table.set, table.experiment] }),
    index("evaluation_set_experiments_experiment").on(table.experiment),
  ],
);

/** One example; its inputs tell it apart from the others of its set. Values as jsonb, whose numbers have any number of digits. */
export const evaluationRecords = pgTable(
  "evaluation_records",
  {
    /** The order of a page. */
    number: bigint({ mode: "number" }).generatedAlwaysAsIdentity().notNull(),
    set: text().notNull(),
    /** sha256 of the inputs as Postgres writes them. */
    inputsHash: bytea("inputs_hash").notNull(),
    /** `dr-` and 32 hex digits. */
    id: text().notNull(),
    inputs: jsonb().notNull(),
    /** SQL's null: none was given; JSON's null: given as such. */
    outputs: jsonb(),
    expectations: jsonb(),
    tags: jsonb().notNull(),
    source: jsonb(),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
    createdBy: text("created_by"),
    updatedBy: text("updated_by"),
  },
  (table) => [
    primaryKey({ columns: [table.set, table.inputsHash] }),
    uniqueIndex("evaluation_records_id").on(table.set, table.id),
    index("evaluation_records_page").on(table.set, table.number),
  ],
);

/** Scorers that users registered with an experiment. They are kept and given back; nothing of them runs here. */
export const scorers = pgTable(
  "scorers",
  {
    id: text().primaryKey(),
    experiment: bigint({ mode: "bigint" }).notNull(),
    name: text().notNull(),
    /** A number is given once. */
    lastVersion: integer("last_version").notNull(),
  },
  (table) => [uniqueIndex("scorers_name").on(table.experiment, table.name)],
);

export const scorerVersions = pgTable(
  "scorer_versions",
  {
    scorer: text().notNull(),
    version: integer().notNull(),
    /** JSON, as MLflow's client wrote it. */
    serialized: text().notNull(),
    createdMs: whole("created_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.scorer, table.version] })],
);

/** Versions of prompts that traces used. */
export const tracePrompts = pgTable(
  "trace_prompts",
  {
    trace: text().notNull(),
    /** `name/version` */
    prompt: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.prompt, table.trace] }), index("trace_prompts_trace").on(table.trace)],
);
