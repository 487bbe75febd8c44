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
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type { Gate, GateResult } from "./core/gate.ts";
import type { ModelFacts } from "./core/facts.ts";

/** Epoch milliseconds, or a count: under 2^53. */
const whole = (name: string) => bigint(name, { mode: "number" });

/** Registered models. One that is deleted keeps its row, so that what is said of its versions can be looked up for ever. */
export const registeredModels = pgTable(
  "registered_models",
  {
    id: whole("id").primaryKey().generatedAlwaysAsIdentity(),
    name: text().notNull(),
    description: text(),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
    /** Number of the newest version there ever was: a number is given once. */
    lastVersion: integer("last_version").notNull().default(0),
    deletedMs: whole("deleted_ms"),
  },
  (table) => [
    uniqueIndex("registered_models_name")
      .on(table.name)
      .where(sql`${table.deletedMs} is null`),
  ],
);

export const registeredModelTags = pgTable(
  "registered_model_tags",
  { model: whole("model").notNull(), key: text().notNull(), value: text().notNull() },
  (table) => [primaryKey({ columns: [table.model, table.key] }), index("registered_model_tags_key").on(table.key)],
);

/**
 * Versions of models. What a version is (from `uid` to `facts`) never changes; description, stage and tags do. A deleted one keeps
 * its row.
 */
export const modelVersions = pgTable(
  "model_versions",
  {
    model: whole("model").notNull(),
    version: integer().notNull(),
    /** Names it for ever, also when the model is renamed, or deleted and made again. */
    uid: text().notNull(),
    source: text().notNull(),
    /** Where clients read the files: pinned under the uid when the source's files are ours. */
    location: text().notNull(),
    runId: text("run_id").notNull(),
    runLink: text("run_link").notNull(),
    modelId: text("model_id").notNull(),
    /** Of the manifest of its files; null: they are not in our store, and nothing can be said of them. */
    digest: text(),
    files: integer().notNull(),
    bytes: whole("bytes").notNull(),
    facts: jsonb().$type<ModelFacts>().notNull(),
    createdBy: text("created_by").notNull(),
    createdMs: whole("created_ms").notNull(),
    updatedMs: whole("updated_ms").notNull(),
    description: text().notNull(),
    stage: text().notNull(),
    deletedMs: whole("deleted_ms"),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.version] }),
    uniqueIndex("model_versions_uid").on(table.uid),
    index("model_versions_newest").on(table.updatedMs.desc()),
    index("model_versions_run").on(table.runId),
    index("model_versions_digest").on(table.digest),
    check("model_versions_stage", sql`${table.stage} in ('None', 'Staging', 'Production', 'Archived')`),
  ],
);

export const modelVersionTags = pgTable(
  "model_version_tags",
  { model: whole("model").notNull(), version: integer().notNull(), key: text().notNull(), value: text().notNull() },
  (table) => [primaryKey({ columns: [table.model, table.version, table.key] })],
);

export const modelAliases = pgTable(
  "model_aliases",
  {
    model: whole("model").notNull(),
    alias: text().notNull(),
    version: integer().notNull(),
    setMs: whole("set_ms").notNull(),
    setBy: text("set_by").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.alias] }),
    index("model_aliases_version").on(table.model, table.version),
  ],
);

/** Who else needs a version, e.g. a deployment that serves it: while a row is here it cannot be deleted. */
export const modelVersionUses = pgTable(
  "model_version_uses",
  {
    model: whole("model").notNull(),
    version: integer().notNull(),
    /** e.g. `deployment fraud-eu` */
    user: text("used_by").notNull(),
    sinceMs: whole("since_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.model, table.version, table.user] })],
);

/** Every move of an alias, and every change of a stage; never changed. Of an alias null means that it pointed nowhere. */
export const modelMoves = pgTable(
  "model_moves",
  {
    id: whole("id").primaryKey().generatedAlwaysAsIdentity(),
    model: whole("model").notNull(),
    /** set, rollback, removed: of an alias; stage; refused: a gate said no, and nothing moved */
    kind: text().notNull(),
    /** Null: a stage. */
    alias: text(),
    /** The version before; of a stage the version itself. */
    fromVersion: integer("from_version"),
    toVersion: integer("to_version"),
    fromStage: text("from_stage"),
    toStage: text("to_stage"),
    atMs: whole("at_ms").notNull(),
    by: text().notNull(),
    reason: text().notNull(),
    /** What the gates said, and of which evaluations. */
    gates: jsonb().$type<readonly GateResult[]>().notNull(),
    /** It was done although a gate said no. */
    overridden: boolean().notNull(),
  },
  (table) => [
    index("model_moves_alias").on(table.model, table.alias, table.id),
    check("model_moves_kind", sql`${table.kind} in ('set', 'rollback', 'removed', 'stage', 'refused')`),
  ],
);

/** What a version was measured to be worth on some data; never changed. */
export const modelEvaluations = pgTable(
  "model_evaluations",
  {
    id: text().primaryKey(),
    model: whole("model").notNull(),
    version: integer().notNull(),
    dataset: text().notNull(),
    /** Of the data: two versions are compared on the same digest only. */
    datasetDigest: text("dataset_digest").notNull(),
    metrics: jsonb().$type<Readonly<Record<string, number>>>().notNull(),
    segments: jsonb().$type<Readonly<Record<string, Readonly<Record<string, number>>>>>().notNull(),
    /** `job.task.index.attempt` of the task that measured; empty: not a task of ours. */
    attempt: text().notNull(),
    runId: text("run_id").notNull(),
    by: text().notNull(),
    atMs: whole("at_ms").notNull(),
  },
  (table) => [index("model_evaluations_version").on(table.model, table.version, table.dataset, table.atMs)],
);

/** The rules that a promotion must pass; each set replaces the one before, which stays to be looked up. */
export const gateSets = pgTable("gate_sets", {
  /** From 1; the highest holds. */
  number: integer().primaryKey(),
  gates: jsonb().$type<readonly Gate[]>().notNull(),
  setMs: whole("set_ms").notNull(),
  setBy: text("set_by").notNull(),
});

/** Public keys that versions are signed with (ed25519). */
export const signingKeys = pgTable("signing_keys", {
  name: text().primaryKey(),
  /** SPKI, PEM. */
  publicKey: text("public_key").notNull(),
  addedMs: whole("added_ms").notNull(),
  addedBy: text("added_by").notNull(),
  /** Signatures with it count no more. */
  revokedMs: whole("revoked_ms"),
});

export const versionSignatures = pgTable(
  "version_signatures",
  {
    uid: text().notNull(),
    key: text().notNull(),
    /** Base64. */
    signature: text().notNull(),
    atMs: whole("at_ms").notNull(),
    by: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.uid, table.key] })],
);

/** What changed, written in the transaction that changes it, and published from here. */
export const registryEvents = pgTable(
  "registry_events",
  {
    id: whole("id").primaryKey().generatedAlwaysAsIdentity(),
    /** As webhooks name it, e.g. MODEL_VERSION.CREATED; core/event.ts has those that only we know. */
    event: text().notNull(),
    model: text().notNull(),
    body: jsonb().notNull(),
    atMs: whole("at_ms").notNull(),
    publishedMs: whole("published_ms"),
  },
  (table) => [
    index("registry_events_unpublished")
      .on(table.id)
      .where(sql`${table.publishedMs} is null`),
    index("registry_events_at").on(table.atMs),
  ],
);

export const webhooks = pgTable("webhooks", {
  id: text().primaryKey(),
  name: text().notNull(),
  description: text().notNull(),
  url: text().notNull(),
  /** ENTITY.ACTION */
  events: text().array().notNull(),
  /** Null: its deliveries are not signed. */
  secret: text(),
  status: text().notNull(),
  createdMs: whole("created_ms").notNull(),
  updatedMs: whole("updated_ms").notNull(),
});

/** One row an event that a webhook asked for. */
export const webhookDeliveries = pgTable(
  "webhook_deliveries",
  {
    /** UUID: names the delivery to the receiver, over all tries. */
    id: text().primaryKey(),
    webhook: text().notNull(),
    event: whole("event").notNull(),
    /** pending, sent or dead */
    state: text().notNull(),
    attempts: integer().notNull(),
    nextMs: doublePrecision("next_ms").notNull(),
    doneMs: whole("done_ms"),
    error: text().notNull(),
  },
  (table) => [
    index("webhook_deliveries_due")
      .on(table.nextMs)
      .where(sql`${table.state} = 'pending'`),
    index("webhook_deliveries_webhook").on(table.webhook),
    // Those of an event, which goes when the last of them is done.
    index("webhook_deliveries_event").on(table.event),
    check("webhook_deliveries_state", sql`${table.state} in ('pending', 'sent', 'dead')`),
  ],
);
