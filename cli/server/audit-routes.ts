import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { parseTaskRunId } from "../../lib/task-run.ts";
import { JobReader } from "../../scheduler/job-reader.ts";
import { findEnvironments, findPlan, type JobPlan } from "../../scheduler/plan-reader.ts";
import type { ArtifactStore } from "../../services/artifacts/index.ts";
import { audit } from "../../services/registry/index.ts";
import { pinsOfJob } from "../../services/tracking/index.ts";

const query = z.object({ id: z.string().min(1).max(2_000).optional() });

/** `GET /v1/audit`: an Audit of all registered models. `GET /v1/audit?id=JOB`: the JobPins of a job, or of that of an attempt or of a task's run. */
export function auditRoutes(parts: { readonly pool: Pool; readonly artifacts: ArtifactStore }): FastifyPluginAsync {
  const { pool } = parts;
  return async (app) => {
    app.get("/v1/audit", async (request) => {
      const parsed = query.safeParse(request.query);
      if (!parsed.success)
        throw new WeftError("invalid", `the query must be id=JOB, or none: ${z.prettifyError(parsed.error)}`);
      const { id } = parsed.data;
      if (id !== undefined) return pinsOfJob(parts, await planOf(pool, id));
      return audit({ ...parts, findEnvironments: (tasks) => findEnvironments(pool, tasks) });
    });
  };
}

async function planOf(pool: Pool, text: string): Promise<JobPlan> {
  const { rows } = await pool.query<{ attempt: string | null }>("select attempt from runs where id = $1", [text]);
  const attempt = rows[0]?.attempt ?? undefined;
  const job = parseTaskRunId(text)?.job ?? (attempt ?? text).split(".")[0]!;
  const ids = await new JobReader(pool).findIds(job, 2);
  if (ids.length > 1 && ids[0] !== job)
    throw new WeftError("invalid", `the ids of several jobs begin with "${job}"; give more of it`);
  const plan = ids[0] === undefined ? undefined : await findPlan(pool, ids[0]);
  if (plan !== undefined) return plan;
  const said =
    rows.length > 0
      ? `run ${text} is of no task of ours: only jobs have pins`
      : `there is no job "${text}"; \`weft jobs\` lists them`;
  throw new WeftError("not_found", said);
}
