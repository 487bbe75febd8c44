import type { Pool } from "pg";
import type { PastAttempt } from "../../lib/core/execution.ts";
import type { AttemptKey } from "../../lib/core/ids.ts";

/** Of these attempts those that have ended, in their order. By their ids: a job may have a million. */
export async function pastAttempts(pool: Pool, keys: readonly AttemptKey[]): Promise<PastAttempt[]> {
  const { rows } = await pool.query<PastAttempt>({
    name: "lineage-past-attempts",
    text: `select attempt, started_at_ms as "startedAtMs", finished_at_ms as "endedAtMs", state, node, reason, message
             from executions where id = any($1) order by attempt`,
    values: [keys],
  });
  return rows;
}
