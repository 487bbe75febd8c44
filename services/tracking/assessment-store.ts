import type { Pool, PoolClient } from "pg";
import { inTransaction } from "../../lib/db.ts";
import { absent, MlflowError } from "./core/mlflow-error.ts";
import { noTrace } from "./core/trace/trace.ts";

/** MLflow's Assessment, in protobuf's JSON. */
export type Assessment = Readonly<Record<string, unknown>> & {
  readonly assessment_id: string;
  readonly overrides?: string;
};

/** One that overrides another makes that invalid. Throws for a trace that is not there, and an id that is taken. */
export async function insertAssessment(
  pool: Pool,
  made: Assessment,
  kind: "feedback" | "expectation",
  createdMs: number,
): Promise<void> {
  const trace = String(made["trace_id"]);
  await inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `insert into assessments (id, trace, name, kind, created_ms, valid, value, json)
       select $1, t.id, $3, $4, $5, true, $6, $7 from traces t where t.id = $2 on conflict (id) do nothing`,
      [made.assessment_id, trace, made["assessment_name"], kind, createdMs, valueOf(made, kind), JSON.stringify(made)],
    );
    if (rowCount === 0) {
      const held = await client.query("select from assessments where id = $1", [made.assessment_id]);
      if (held.rowCount === 0) throw absent(noTrace(trace));
      throw new MlflowError("RESOURCE_ALREADY_EXISTS", `Assessment with ID '${made.assessment_id}' already exists`);
    }
    if (made.overrides) await write(client, { ...(await lock(client, trace, made.overrides)), valid: false });
  });
}

/** Throws RESOURCE_DOES_NOT_EXIST. */
export async function getAssessment(pool: Pool, trace: string, id: string): Promise<Assessment> {
  const { rows } = await pool.query<{ json: Assessment }>("select json from assessments where trace = $1 and id = $2", [
    trace,
    id,
  ]);
  return rows[0]?.json ?? missing(trace, id);
}

/** After `change`, which is given what is there. */
export async function updateAssessment(
  pool: Pool,
  trace: string,
  id: string,
  change: (held: Assessment) => Assessment,
): Promise<Assessment> {
  return inTransaction(pool, async (client) => {
    const changed = change(await lock(client, trace, id));
    await write(client, changed);
    return changed;
  });
}

/** One that is not there is gone. What it had overridden is valid again. */
export async function deleteAssessment(pool: Pool, trace: string, id: string): Promise<void> {
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<{ json: Assessment }>(
      "delete from assessments where trace = $1 and id = $2 returning json",
      [trace, id],
    );
    const overridden = rows[0]?.json.overrides;
    if (!overridden) return;
    await client.query(
      `update assessments set valid = true, json = jsonb_set(json, '{valid}', 'true') where trace = $1 and id = $2`,
      [trace, overridden],
    );
  });
}

async function lock(client: PoolClient, trace: string, id: string): Promise<Assessment> {
  const { rows } = await client.query<{ json: Assessment }>(
    "select json from assessments where trace = $1 and id = $2 for update",
    [trace, id],
  );
  return rows[0]?.json ?? missing(trace, id);
}

async function write(client: PoolClient, to: Assessment): Promise<void> {
  const kind = to["feedback"] === undefined ? "expectation" : "feedback";
  await client.query("update assessments set name = $2, valid = $3, value = $4, json = $5 where id = $1", [
    to.assessment_id,
    to["assessment_name"],
    to["valid"] !== false,
    valueOf(to, kind),
    JSON.stringify(to),
  ]);
}

/** As filters compare it: texts without quotes, all else as JSON. */
function valueOf(assessment: Assessment, kind: "feedback" | "expectation"): string {
  const held = (assessment[kind] ?? {}) as {
    readonly value?: unknown;
    readonly serialized_value?: { readonly value?: string };
  };
  const value = held.value ?? held.serialized_value?.value ?? null;
  return typeof value === "string" ? value : JSON.stringify(value);
}

function missing(trace: string, id: string): never {
  throw absent(`Assessment with ID '${id}' not found for trace '${trace}'`);
}
