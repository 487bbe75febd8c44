import type { Pool } from "pg";
import type { LogArchive } from "../../lib/core/execution.ts";
import type { AttemptKey, JobId } from "../../lib/core/ids.ts";

/** The log of an attempt that has ended: how long it is, and where it lies once it is archived. */
export interface EndedExecutionLog {
  readonly id: AttemptKey;
  readonly lost: boolean;
  readonly archived: boolean;
  /** Digests are null while it is not archived, and for a stream that is empty. */
  readonly log: LogArchive;
}

export async function endedLogs(pool: Pool, job: JobId): Promise<EndedExecutionLog[]> {
  const { rows } = await pool.query<{ row: EndedExecutionLog }>({
    name: "lineage-ended-logs",
    text: `select json_build_object('id', id, 'lost', state = 'lost', 'archived', archived, 'log', json_build_object(
                    'stdout', stdout_digest, 'stderr', stderr_digest,
                    'stdoutBytes', stdout_bytes, 'stderrBytes', stderr_bytes)) as row
             from executions where job_id = $1`,
    values: [job],
  });
  return rows.map(({ row }) => row);
}
