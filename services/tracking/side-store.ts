import type { Pool } from "pg";
import type { AttemptKey, Digest } from "../../lib/core/ids.ts";
import { ARTIFACT_ROOT } from "./parts.ts";

/** A tracked run, as differences know it. Times: epoch milliseconds. */
export interface RunHead {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly userId: string;
  readonly startMs: number;
  readonly endMs: number | null;
  readonly attempt: AttemptKey | null;
}

const HEAD = `number::float8 as number, id, name, status, user_id as "userId", start_ms::float8 as "startMs",
  end_ms::float8 as "endMs", attempt`;

/** By its id, or by its name when that is of one run only; several: all of them, the newest first, at most `limit`. */
export async function findRunHeads(pool: Pool, text: string, limit: number): Promise<RunHead[]> {
  const byId = await pool.query<RunHead>({
    name: "tracking-run-head",
    text: `select ${HEAD} from runs where id = $1`,
    values: [text],
  });
  if (byId.rows.length > 0) return byId.rows;
  const { rows } = await pool.query<RunHead>({
    name: "tracking-run-heads-by-name",
    // Runs have no index of their names; the tag, which clients see, has one of its first characters.
    text: `select ${HEAD} from runs where not deleted and number in (
             select run from run_tags where key = 'mlflow.runName' and left(value, 120) = left($1, 120) and value = $1)
            order by start_ms desc, id limit $2`,
    values: [text, limit],
  });
  return rows;
}

/** The runs of these attempts, as far as there are any. */
export async function runHeadsOfAttempts(pool: Pool, attempts: readonly AttemptKey[]): Promise<RunHead[]> {
  if (attempts.length === 0) return [];
  const { rows } = await pool.query<RunHead>({
    name: "tracking-run-heads-of-attempts",
    text: `select ${HEAD} from runs where attempt = any($1) and not deleted order by number`,
    values: [attempts],
  });
  return rows;
}

export interface RunRecord {
  readonly params: readonly { readonly key: string; readonly value: string }[];
  readonly metrics: readonly { readonly key: string; readonly value: number }[];
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly datasets: readonly { readonly name: string; readonly digest: string; readonly context: string }[];
  /** `model`: the name of the logged model that it belongs to; empty: it is the run's own. */
  readonly files: readonly { readonly model: string; readonly path: string; readonly digest: Digest }[];
}

const QUERIES: Readonly<Record<keyof RunRecord, string>> = {
  params: "select run::float8 as run, key, value from run_params where run = any($1) order by run, key",
  metrics: "select run::float8 as run, key, value from run_metrics where run = any($1) order by run, key",
  tags: "select run::float8 as run, key, value from run_tags where run = any($1) order by run, key",
  datasets: `
    select i.run::float8 as run, d.name, d.digest, coalesce(i.tags ->> 'mlflow.data.context', '') as context
      from run_datasets i join datasets d on d.id = i.dataset where i.run = any($1) order by i.run, d.name`,
  files: `
    select o.run::float8 as run, o.model, substr(f.path, length(o.folder) + 2) as path, f.digest
      from (select number as run, '' as model, substr(artifact_uri, length('${ARTIFACT_ROOT}/') + 1) as folder
              from runs where number = any($1) and artifact_uri like '${ARTIFACT_ROOT}/%'
            union all
            select l.run, m.name, substr(m.artifact_uri, length('${ARTIFACT_ROOT}/') + 1)
              from run_models l join logged_models m on m.id = l.model
             where l.run = any($1) and l.direction = 'output' and not m.deleted and m.artifact_uri like '${ARTIFACT_ROOT}/%') as o
      join tracked_files f on f.path ~>=~ (o.folder || '/') and f.path ~<~ (o.folder || '0')
     order by o.run, o.model, path`,
};

/** What was logged to these runs, by their numbers: a statement for each kind, however many runs. */
export async function readRuns(pool: Pool, numbers: readonly number[]): Promise<Map<number, RunRecord>> {
  const found = new Map(numbers.map((number) => [number, emptyRecord()]));
  if (numbers.length === 0) return found;
  await Promise.all(
    Object.entries(QUERIES).map(async ([kind, text]) => {
      const { rows } = await pool.query<{ run: number }>({ name: `tracking-side-${kind}`, text, values: [numbers] });
      for (const { run, ...row } of rows) (found.get(run)![kind as keyof RunRecord] as object[]).push(row);
    }),
  );
  return found;
}

function emptyRecord(): { -readonly [K in keyof RunRecord]: RunRecord[K][number][] } {
  return { params: [], metrics: [], tags: [], datasets: [], files: [] };
}
