import type { Pool } from "pg";
import type { Artifact } from "../../proto/gen/weft/v1/Artifact.ts";
import type { Execution } from "../../proto/gen/weft/v1/Execution.ts";
import type { LineageResponse } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { codeToProto } from "../../lib/core/pipeline/code.ts";
import type { Code } from "../../lib/core/pipeline/spec.ts";
import { toProtoValues } from "../../proto/value.ts";
import { type ArtifactRow, type EdgeRow, type ExecutionRow, lineageOfJob } from "./store.ts";

/** Rows in one message. An execution holds its command, at most 100 kB and in practice well under 1 kB. */
const ROWS_PER_PART = 100;

/**
 * Answer to JobService.Lineage, in parts to be put together. Nothing for a job of which nothing has ended; whether the job exists
 * is the scheduler's to say. `code`: what was submitted with the job, of which the rows keep the main things alone.
 */
export async function lineageParts(pool: Pool, job: JobId, code?: Code): Promise<Iterable<LineageResponse>> {
  const { executions, artifacts, edges } = await lineageOfJob(pool, job);
  return parts(executions, artifacts, edges, code);
}

function* parts(
  executions: readonly ExecutionRow[],
  artifacts: readonly ArtifactRow[],
  edges: readonly EdgeRow[],
  code: Code | undefined,
): Generator<LineageResponse> {
  for (const some of slices(executions)) yield { executions: some.map((row) => toProtoExecution(row, code)) };
  for (const some of slices(artifacts)) yield { artifacts: some.map(toProtoArtifact) };
  for (const some of slices(edges)) yield { edges: [...some] };
}

function* slices<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += ROWS_PER_PART) yield rows.slice(start, start + ROWS_PER_PART);
}

function toProtoArtifact({ digest, kind, bytes, producer }: ArtifactRow): Artifact {
  return { digest, kind, bytes: bytes ?? 0, producer: producer ?? "" };
}

function toProtoExecution(row: ExecutionRow, submitted: Code | undefined): Execution {
  const { codeDigest, codeCommit, codeDirty, exitCode, ...rest } = row;
  return {
    ...rest,
    gpuUuids: [...row.gpuUuids],
    code: codeToProto(
      codeDigest === null
        ? null
        : {
            ...(submitted?.digest === codeDigest && submitted),
            digest: codeDigest,
            commit: codeCommit,
            dirty: codeDirty,
          },
    ),
    params: toProtoValues(row.params),
    map: toProtoValues(row.map),
    startedAtMs: row.startedAtMs ?? 0,
    signal: row.signal ?? "",
    environmentDigest: row.environmentDigest ?? "",
    ...(exitCode === null ? {} : { exitCode }),
  };
}
