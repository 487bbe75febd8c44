import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import type { RerunRequest__Output } from "../../proto/gen/weft/v1/RerunRequest.ts";
import type { Event } from "../core/index.ts";
import type { WholeJob } from "./parts.ts";
import { checkKey } from "./submit.ts";

/** The submit of a job that runs an earlier one again, whole or from where it failed. Errors: `failed_precondition`. */
export function readRerun(earlier: WholeJob, request: RerunRequest__Output, id: JobId): Event {
  const { row, progress, tasks, maps } = earlier;
  if (progress.finishedAtMs === null)
    throw new WeftError("failed_precondition", `job ${row.id} has not ended; cancel it first (weft cancel ${row.id})`);
  if (request.failedOnly && progress.state === "succeeded")
    throw new WeftError(
      "failed_precondition",
      `job ${row.id} succeeded; \`weft rerun ${row.id}\` runs all of it again`,
    );
  checkKey(request.idempotencyKey);
  const { spec, params, code, priority } = row;
  const trigger = `${request.failedOnly ? "retry" : "rerun"} of ${row.id}`;
  const idempotencyKey = request.idempotencyKey === "" ? null : request.idempotencyKey;
  const job = { id, spec, params, code, priority, trigger, idempotencyKey };
  if (!request.failedOnly) return { kind: "jobSubmitted", job };
  const lists = [...maps].map(([task, { count, values }]) => ({ job: row.id, task, count, values }));
  return { kind: "jobSubmitted", job, adopted: { of: row.id, tasks, maps: lists } };
}
