import { Readable } from "node:stream";
import type { Pool } from "pg";
import type { Digest } from "../../lib/core/ids.ts";
import type { ArtifactStore } from "../artifacts/index.ts";
import { absent, invalid } from "./core/mlflow-error.ts";
import type { TrackedFile } from "./file-store.ts";

/** MLflow's clients make parts of 10 MiB and more; S3 has the same limit. */
export const PARTS_MAX = 10_000;
/** Nobody comes back to an upload after a week: its parts are let go. */
const UPLOAD_AGE_MS_MAX = 7 * 24 * 3600 * 1000;

/** Also forgets uploads that were given up. */
export async function beginUpload(pool: Pool, id: string, path: string, nowMs: number): Promise<void> {
  await pool.query(
    `with gone as (delete from tracked_uploads where started_ms < $3::bigint - ${UPLOAD_AGE_MS_MAX} returning id),
          parts as (delete from tracked_upload_parts where upload in (select id from gone))
     insert into tracked_uploads (id, path, started_ms) values ($1, $2, $3)`,
    [id, path, nowMs],
  );
}

export async function addPart(pool: Pool, id: string, part: number, { digest, bytes }: TrackedFile): Promise<void> {
  const { rowCount } = await pool.query(
    `insert into tracked_upload_parts (upload, part, digest, bytes) select id, $2, $3, $4 from tracked_uploads where id = $1
     on conflict (upload, part) do update set digest = excluded.digest, bytes = excluded.bytes`,
    [id, part, digest, bytes],
  );
  if (rowCount === 0) throw noUpload(id);
}

/**
 * Stores what the parts are together, in order of their numbers; only the parts that were named. The upload is over with `endUpload`,
 * so that completing may be tried again.
 */
export async function joinParts(
  pool: Pool,
  artifacts: ArtifactStore,
  upload: { readonly id: string; readonly path: string; readonly parts: readonly number[] },
): Promise<TrackedFile> {
  const { rows } = await pool.query<{ part: number; digest: Digest; bytes: string }>(
    `select p.part, p.digest, p.bytes from tracked_uploads u join tracked_upload_parts p on p.upload = u.id
      where u.id = $1 and u.path = $2 and p.part = any($3) order by p.part`,
    [upload.id, upload.path, upload.parts],
  );
  if (rows.length === 0) throw noUpload(upload.id);
  const missing = upload.parts.filter((part) => !rows.some((row) => row.part === part));
  if (missing.length > 0)
    throw invalid(
      `upload ${upload.id} cannot be completed: the parts ${missing.slice(0, 10).join(", ")} have not come`,
    );
  const bytes = rows.reduce((sum, row) => sum + Number(row.bytes), 0);
  const joined = Readable.from(concatenate(artifacts, rows), { objectMode: false });
  const stored = await artifacts.putStream(null, joined, { bytes });
  return { digest: stored.digest, bytes: stored.bytes };
}

export async function endUpload(pool: Pool, id: string, path: string): Promise<void> {
  const { rowCount } = await pool.query(
    `with gone as (delete from tracked_uploads where id = $1 and path = $2 returning id),
          parts as (delete from tracked_upload_parts where upload in (select id from gone))
     select from gone`,
    [id, path],
  );
  if (rowCount === 0) throw noUpload(id);
}

async function* concatenate(
  artifacts: ArtifactStore,
  parts: readonly { readonly digest: Digest }[],
): AsyncGenerator<Buffer> {
  for (const { digest } of parts)
    for await (const chunk of (await artifacts.open(digest)) as AsyncIterable<Buffer>) yield chunk;
}

function noUpload(id: string): Error {
  return absent(`there is no upload '${id}' for this file; begin one with mpu/create`);
}
