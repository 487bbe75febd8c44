import type { Pool } from "pg";
import type { AttemptKey, Digest } from "../../lib/core/ids.ts";

/** A version, with what its run's attempt ran from and read. */
export interface AuditedVersion {
  readonly modelId: number;
  readonly name: string;
  readonly version: number;
  readonly uid: string;
  readonly digest: Digest | null;
  /** Null: its run is no task's, or the task has not ended. */
  readonly attempt: AttemptKey | null;
  readonly job: string | null;
  readonly task: string | null;
  readonly code: Digest | null;
  readonly data: readonly {
    readonly name: string;
    readonly digest: Digest;
    /** Where it was read from, and its bytes were not kept; null: they were. */
    readonly elsewhere: string | null;
  }[];
}

/** Versions that are not deleted, by model and version, from after that one. */
export async function auditedVersions(
  pool: Pool,
  after: { readonly modelId: number; readonly version: number },
  limit: number,
): Promise<AuditedVersion[]> {
  const { rows } = await pool.query<AuditedVersion>({
    name: "registry-audited-versions",
    text: `select m.id::float8 as "modelId", m.name, v.version, v.uid, v.digest, x.id as attempt, x.job_id as job, x.task,
                  x.code_digest as code,
                  (select coalesce(json_agg(distinct jsonb_build_object('name', e.name, 'digest', e.digest,
                            'elsewhere', case when s.kept then null else s.uri end)), '[]')
                     from edges e left join source_reads s on s.execution = e.execution and s.name = e.name and s.digest = e.digest
                    where e.execution = x.id and e.direction = 'input' and e.name <> 'code') as data
             from model_versions v
             join registered_models m on m.id = v.model and m.deleted_ms is null
             left join runs r on r.id = v.run_id
             left join executions x on x.id = r.attempt
            where v.deleted_ms is null and (v.model, v.version) > ($1, $2)
            order by v.model, v.version limit $3`,
    values: [after.modelId, after.version, limit],
  });
  return rows;
}
