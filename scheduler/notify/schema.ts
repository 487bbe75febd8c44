import { sql } from "drizzle-orm";
import { check, doublePrecision, index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { NotifyTarget } from "../../lib/core/pipeline/notify.ts";

/** What is to be sent, written in the transaction in which a job changes its state. Times are epoch milliseconds. */
export const notifications = pgTable(
  "notifications",
  {
    /** job.state.time.rule: writing it again changes nothing. */
    id: text().primaryKey(),
    job: text().notNull(),
    pipeline: text().notNull(),
    /** started, succeeded, failed, cancelled */
    event: text().notNull(),
    /** Its URL may hold a secret: it is shown to nobody, and forgotten when the row is done. */
    target: jsonb().$type<NotifyTarget>().notNull(),
    /** Of a mail; else empty. */
    subject: text().notNull(),
    text: text().notNull(),
    /** The body of a webhook in JSON. */
    body: jsonb().notNull(),
    state: text().notNull(),
    attempts: integer().notNull(),
    /** Term of the leader that is sending it; a later leader need not wait for it. */
    claimedTerm: integer("claimed_term"),
    nextAtMs: doublePrecision("next_at_ms").notNull(),
    createdAtMs: doublePrecision("created_at_ms").notNull(),
    doneAtMs: doublePrecision("done_at_ms"),
    error: text().notNull(),
  },
  (table) => [
    index("notifications_due")
      .on(table.nextAtMs)
      .where(sql`${table.state} = 'pending'`),
    index("notifications_newest").on(table.createdAtMs.desc(), table.id.desc()),
    index("notifications_job").on(table.job),
    check("notifications_state", sql`${table.state} in ('pending', 'sent', 'dead')`),
  ],
);
