import type { Pool } from "pg";
import type { AttemptFacts } from "../lib/core/execution.ts";
import type { AttemptRef } from "../lib/core/ids.ts";
import type { Code, Scalar } from "../lib/core/pipeline/spec.ts";

/** What is known of an attempt that was handed out, whether it runs or has ended; undefined: there was no such attempt. */
export async function findAttempt(pool: Pool, ref: AttemptRef): Promise<AttemptFacts | undefined> {
  const { rows } = await pool.query<{
    pipeline: string;
    project: string;
    code: Code | null;
    params: Readonly<Record<string, Scalar>>;
    node: string | null;
    gpus: readonly string[] | null;
    started: number | null;
    handedOut: boolean;
    ended: boolean;
  }>({
    name: "find-attempt",
    text: `select j.pipeline, j.project, j.code, j.params, coalesce(e.node, n.name) as node,
                  coalesce(to_jsonb(e.gpu_uuids), t.gpu_uuids) as gpus, coalesce(e.started_at_ms, t.started_at_ms) as started,
                  coalesce(t.attempt >= $4, false) as "handedOut", e.id is not null as ended
             from jobs j
             left join tasks t on t.job = j.id and t.task = $2 and t.index = $3
             left join executions e on e.id = concat_ws('.', $1::text, $2::text, $3::int, $4::int)
             left join nodes n on n.id = t.node
            where j.id = $1`,
    values: [ref.job, ref.task, ref.index, ref.attempt],
  });
  const [row] = rows;
  if (row === undefined || !(row.ended || row.handedOut)) return undefined;
  const { pipeline, project, code, params, node, gpus, started } = row;
  return { ref, pipeline, project, code, params, node, gpuUuids: gpus ?? [], startedAtMs: started };
}
