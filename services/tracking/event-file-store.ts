import type { Pool } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import { WeftError } from "../../lib/core/error.ts";
import type { SummaryRow } from "./core/tensorboard/import.ts";

export interface EventRun {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly startMs: number;
}

/** Throws `not_found`, also when it is deleted. */
export async function findRun(pool: Pool, id: string): Promise<EventRun> {
  const { rows } = await pool.query<{ number: string; id: string; name: string; startMs: string }>({
    name: "tracking-event-run",
    text: `select number, id, name, start_ms as "startMs" from runs where id = $1 and not deleted`,
    values: [id],
  });
  const [row] = rows;
  if (row === undefined) throw new WeftError("not_found", `there is no run ${id}, or it is deleted`);
  return { ...row, number: Number(row.number), startMs: Number(row.startMs) };
}

/** Up to where the server has read a run's event file; 0: it has not seen it. */
export async function readOffset(pool: Pool, run: number, file: string): Promise<number> {
  const { rows } = await pool.query<{ offset: number }>({
    name: "tracking-event-file-offset",
    text: `select "offset"::float8 as offset from event_files where run = $1 and file = $2`,
    values: [run, file],
  });
  return rows[0]?.offset ?? 0;
}

/** The values, and that the file was read to `offset`; both or none. Repeating it changes nothing. */
export async function writeSummaries(
  pool: Pool,
  run: number,
  file: string,
  offset: number,
  summaries: readonly SummaryRow[],
): Promise<void> {
  await pool.query({
    name: "tracking-write-summaries",
    text: `with kept as (
             insert into run_summaries (run, key, step, wall_ms, kind, value)
             select $1, key, step, wall, kind, decode(value, 'base64')
               from json_to_recordset($4::json) as r(key text, step bigint, wall bigint, kind text, value text)
             on conflict do nothing)
           insert into event_files (run, file, "offset") values ($1, $2, $3)
           on conflict (run, file) do update set "offset" = greatest(event_files."offset", excluded."offset")`,
    values: [
      run,
      file,
      offset,
      jsonRows(
        summaries.map(({ key, step, wallMs, kind, value }) => ({
          key,
          step,
          wall: wallMs,
          kind,
          value: Buffer.from(value).toString("base64"),
        })),
      ),
    ],
  });
}

/** Keys of the run's metrics, in order. */
export async function metricKeys(pool: Pool, run: number): Promise<string[]> {
  const { rows } = await pool.query<{ key: string }>("select key from run_metrics where run = $1 order by key", [run]);
  return rows.map(({ key }) => key);
}

/** The run's histograms, images and texts after that place, in order of key and step; at most `limit`. */
export async function readSummaries(
  pool: Pool,
  run: number,
  after: { readonly key: string; readonly step: number; readonly wallMs: number } | null,
  limit: number,
): Promise<SummaryRow[]> {
  const { rows } = await pool.query<{
    key: string;
    step: string;
    wall_ms: string;
    kind: SummaryRow["kind"];
    value: Buffer;
  }>({
    name: "tracking-read-summaries",
    text: `select key, step, wall_ms, kind, value from run_summaries
            where run = $1 and (key, step, wall_ms) > ($2, $3, $4) order by key, step, wall_ms limit $5`,
    values: [run, after?.key ?? "", after?.step ?? -1, after?.wallMs ?? -1, limit],
  });
  return rows.map((row) => ({ ...row, step: Number(row.step), wallMs: Number(row.wall_ms) }));
}
