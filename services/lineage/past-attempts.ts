import type { Pool } from "pg";
import type { AttemptKey } from "../../lib/core/ids.ts";

/** How an attempt went. Times: epoch milliseconds. */
export interface PastAttemptRow {
  readonly attempt: number;
  /** Null: no process was started. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number;
  readonly state: "succeeded" | "failed" | "cancelled" | "lost";
  readonly node: string;
  readonly reason: string;
  readonly message: string;
}

/** Of these attempts those that have ended, in their order. By their ids: a job may have a million. */
export async function pastAttempts(pool: Pool, keys: readonly AttemptKey[]): Promise<PastAttemptRow[]> {
  const { rows } = await pool.query<PastAttemptRow>({
    name: "lineage-past-attempts",
    text: `select attempt, started_at_ms as "startedAtMs", finished_at_ms as "endedAtMs", state, node, reason, message
             from executions where id = any($1) order by attempt`,
    values: [keys],
  });
  return rows;
}
