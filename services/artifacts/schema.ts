import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from "drizzle-orm/pg-core";

/** Versions of named data sets: never changed, never removed. The bytes are in the store. */
export const dataVersions = pgTable(
  "data_versions",
  {
    name: text().notNull(),
    /** From 1. */
    version: integer().notNull(),
    /** Its name in the lineage graph. */
    node: text()
      .notNull()
      .generatedAlwaysAs(sql`'dataset:' || name || '@' || version`),
    digest: text().notNull(),
    /** file or tree */
    kind: text().notNull(),
    bytes: bigint({ mode: "number" }).notNull(),
    /** 1 for a file. */
    files: integer().notNull(),
    /** What it is called where it is laid out. */
    fileName: text("file_name").notNull(),
    /** Where it was read from: a URI, or HOST:PATH. */
    source: text().notNull(),
    /** Of the source, as its server named it (an ETag, a version id); empty: it names none. */
    sourceVersion: text("source_version").notNull(),
    message: text().notNull(),
    /** Taken as it was given. */
    addedBy: text("added_by").notNull(),
    addedAtMs: doublePrecision("added_at_ms").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.name, table.version] }),
    uniqueIndex("data_versions_node").on(table.node),
    index("data_versions_digest").on(table.digest),
    index("data_versions_source")
      .on(table.source)
      .where(sql`${table.source} <> ''`),
    check("data_versions_kind", sql`${table.kind} in ('file', 'tree')`),
  ],
);

/** Names that point at a version and may be moved to another. */
export const dataTags = pgTable(
  "data_tags",
  {
    name: text().notNull(),
    tag: text().notNull(),
    version: integer().notNull(),
    movedAtMs: doublePrecision("moved_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.name, table.tag] })],
);
