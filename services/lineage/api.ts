import type { Pool } from "pg";
import type { Execution } from "../../proto/gen/weft/v1/Execution.ts";
import type { LineageResponse } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { toProtoValues } from "../../proto/value.ts";
import { lineageOfJob, type ExecutionRow } from "./store.ts";

/** Answer to JobService.Lineage. Empty for a job of which nothing has ended; whether it exists is the scheduler's to say. */
export async function lineageResponse(pool: Pool, job: JobId): Promise<LineageResponse> {
  const { executions, artifacts, edges } = await lineageOfJob(pool, job);
  return {
    executions: executions.map(toProtoExecution),
    artifacts: artifacts.map(({ digest, kind, bytes, producer }) => ({
      digest,
      kind,
      bytes: bytes ?? 0,
      producer: producer ?? "",
    })),
    edges: edges.map(({ execution, digest, direction, name }) => ({ execution, digest, direction, name })),
  };
}

function toProtoExecution(row: ExecutionRow): Execution {
  const { codeDigest, codeCommit, codeDirty, exitCode, ...rest } = row;
  return {
    ...rest,
    gpuUuids: [...row.gpuUuids],
    code: codeDigest === null ? null : { digest: codeDigest, commit: codeCommit ?? "", dirty: codeDirty },
    params: toProtoValues(row.params),
    map: toProtoValues(row.map),
    startedAtMs: row.startedAtMs ?? 0,
    signal: row.signal ?? "",
    environmentDigest: row.environmentDigest ?? "",
    ...(exitCode === null ? {} : { exitCode }),
  };
}
