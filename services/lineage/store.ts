import type { Pool } from "pg";
import type { LogArchive } from "../../lib/core/execution.ts";
import type { AttemptKey, Digest, JobId } from "../../lib/core/ids.ts";
import type { Scalar } from "../../lib/core/pipeline/spec.ts";
import type { ExecutionName } from "./core/execution-name.ts";

export { recordArchived, recordEnded, recordEndedRanges } from "./record.ts";

/** A row of `executions`; times are epoch milliseconds. */
export interface ExecutionRow {
  readonly id: AttemptKey;
  readonly jobId: JobId;
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  readonly state: "succeeded" | "failed" | "cancelled" | "lost";
  readonly nodeId: string;
  readonly node: string;
  readonly gpuUuids: readonly string[];
  readonly codeDigest: Digest | null;
  readonly codeCommit: string | null;
  readonly codeDirty: boolean;
  readonly command: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly map: Readonly<Record<string, Scalar>>;
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: string;
  readonly message: string;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  readonly usageSource: string;
  readonly environmentDigest: Digest | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export interface ArtifactRow {
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  readonly bytes: number | null;
  readonly producer: AttemptKey | null;
}

export interface EdgeRow {
  readonly execution: AttemptKey;
  readonly direction: "input" | "output";
  readonly name: string;
  readonly digest: Digest;
}

export interface JobLineage {
  /** By task, index and attempt. */
  readonly executions: readonly ExecutionRow[];
  /** All that an edge of these executions names. */
  readonly artifacts: readonly ArtifactRow[];
  readonly edges: readonly EdgeRow[];
}

/** All that the attempts of a job did, as far as they have ended; empty for a job that is not known. */
export async function lineageOfJob(pool: Pool, job: JobId): Promise<JobLineage> {
  // One after the other in this order: an edge is committed with its execution and its artifact, never before.
  const edges = await selectEdges(pool, job);
  const [executions, artifacts] = await Promise.all([selectExecutions(pool, job), selectArtifacts(pool, job)]);
  const known = new Set(executions.map((row) => row.id));
  return { executions, artifacts, edges: edges.filter((edge) => known.has(edge.execution)) };
}

/** Where the logs of a job's attempts lie, for those whose logs are archived. */
export async function logArchive(pool: Pool, job: JobId): Promise<Map<AttemptKey, LogArchive>> {
  const { rows } = await pool.query<{ id: AttemptKey; archive: LogArchive }>({
    name: "lineage-log-archive",
    text: `select id, json_build_object('stdout', stdout_digest, 'stderr', stderr_digest,
                                        'stdoutBytes', stdout_bytes, 'stderrBytes', stderr_bytes) as archive
             from executions where job_id = $1 and archived`,
    values: [job],
  });
  return new Map(rows.map((row) => [row.id, row.archive]));
}

/** Of these attempts, those that have ended. */
export function executionsOf(pool: Pool, ids: readonly AttemptKey[]): Promise<ExecutionRow[]> {
  return queryExecutions(pool, "lineage-executions-of", "id = any($1)", ids);
}

function selectExecutions(pool: Pool, job: JobId): Promise<ExecutionRow[]> {
  return queryExecutions(pool, "lineage-select-executions", "job_id = $1 order by task, index, attempt", job);
}

async function queryExecutions(
  pool: Pool,
  name: string,
  which: string,
  value: string | readonly string[],
): Promise<ExecutionRow[]> {
  // As JSON, because the driver gives a bigint as text; counts of bytes stay under 2^53.
  const { rows } = await pool.query<{ row: ExecutionRow }>({
    name,
    text: `select json_build_object(
                    'id', id, 'jobId', job_id, 'task', task, 'index', index, 'attempt', attempt, 'state', state,
                    'nodeId', node_id, 'node', node, 'gpuUuids', gpu_uuids, 'codeDigest', code_digest,
                    'codeCommit', code_commit, 'codeDirty', code_dirty, 'command', command, 'params', params, 'map', map,
                    'startedAtMs', started_at_ms, 'finishedAtMs', finished_at_ms, 'exitCode', exit_code, 'signal', signal,
                    'reason', reason, 'message', message, 'cpuMs', cpu_ms, 'peakMemoryBytes', peak_memory_bytes,
                    'usageSource', usage_source, 'environmentDigest', environment_digest,
                    'stdoutBytes', stdout_bytes, 'stderrBytes', stderr_bytes) as row
             from executions where ${which}`,
    values: [value],
  });
  return rows.map(({ row }) => row);
}

async function selectArtifacts(pool: Pool, job: JobId): Promise<ArtifactRow[]> {
  const { rows } = await pool.query<{ row: ArtifactRow }>({
    name: "lineage-select-artifacts",
    text: `select json_build_object('digest', digest, 'kind', kind, 'bytes', bytes, 'producer', producer) as row
             from artifacts
            where digest in (select g.digest from edges g join executions e on e.id = g.execution where e.job_id = $1)
            order by digest`,
    values: [job],
  });
  return rows.map(({ row }) => row);
}

async function selectEdges(pool: Pool, job: JobId): Promise<EdgeRow[]> {
  const { rows } = await pool.query<EdgeRow>({
    name: "lineage-select-edges",
    text: `select g.execution, g.direction, g.name, g.digest
             from edges g join executions e on e.id = g.execution
            where e.job_id = $1 order by g.execution, g.direction, g.name, g.digest`,
    values: [job],
  });
  return rows;
}

/** What these attempts read and wrote. */
export async function edgesOfExecutions(pool: Pool, ids: readonly AttemptKey[]): Promise<EdgeRow[]> {
  const { rows } = await pool.query<EdgeRow>({
    name: "lineage-edges-of-executions",
    text: `select execution, direction, name, digest from edges where execution = any($1)
            order by execution, direction, name, digest`,
    values: [ids],
  });
  return rows;
}

/** Of each instance of what is named the last attempt that has ended, or the one that is named; at most `limit`, by task and index. */
export async function lastExecutions(
  pool: Pool,
  { job, task, index, attempt }: ExecutionName,
  limit: number,
): Promise<AttemptKey[]> {
  const { rows } = await pool.query<{ id: AttemptKey }>({
    name: "lineage-last-executions",
    text: `select distinct on (task, index) id from executions
            where job_id = $1 and ($2::text is null or task = $2) and ($3::int is null or index = $3)
              and ($4::int is null or attempt = $4)
            order by task, index, attempt desc limit $5`,
    values: [job, task ?? null, index ?? null, attempt ?? null, limit],
  });
  return rows.map(({ id }) => id);
}
