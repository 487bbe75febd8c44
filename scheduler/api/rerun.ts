import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import type { RerunRequest__Output } from "../../proto/gen/weft/v1/RerunRequest.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import type { Event } from "../core/index.ts";
import type { JobRead, WholeJob } from "./parts.ts";
import { type RerunPlace, placed } from "./rerun-place.ts";
import { pinReads } from "./sources.ts";
import { checkKey } from "./submit.ts";

/**
 * The submit of a job that runs an earlier one again, whole or from where it failed. `place`: null: wherever there is room; `reads`: what it read
 * from outside. Errors: `failed_precondition`.
 */
export function readRerun(
  earlier: WholeJob,
  request: RerunRequest__Output,
  id: JobId,
  { place, reads }: { readonly place: RerunPlace | null; readonly reads: readonly JobRead[] },
): Event {
  const { row, progress, tasks, maps } = earlier;
  if (progress.finishedAtMs === null)
    throw new WeftError("failed_precondition", `job ${row.id} has not ended; cancel it first (weft cancel ${row.id})`);
  if (request.failedOnly && progress.state === "succeeded")
    throw new WeftError(
      "failed_precondition",
      `job ${row.id} succeeded; \`weft rerun ${row.id}\` runs all of it again`,
    );
  checkKey(request.idempotencyKey);
  const { params, code, priority } = row;
  const pinned = pinReads(row.spec, reads);
  const spec = request.failedOnly ? pinned : placed(withoutCache(pinned), place);
  const trigger = `${request.failedOnly ? "retry" : "rerun"} of ${row.id}${place === null ? "" : ` ${place.says}`}`;
  const idempotencyKey = request.idempotencyKey === "" ? null : request.idempotencyKey;
  const job = { id, spec, params, code, priority, trigger, idempotencyKey };
  if (!request.failedOnly) return { kind: "jobSubmitted", job };
  const lists = [...maps].map(([task, { count, values }]) => ({ job: row.id, task, count, values }));
  return { kind: "jobSubmitted", job, adopted: { of: row.id, tasks, maps: lists } };
}

/** An earlier result would be equal to itself, and nothing would have run again. */
function withoutCache(spec: PipelineSpec): PipelineSpec {
  const tasks = spec.tasks.map((task) =>
    task.flow.cache === null ? task : { ...task, flow: { ...task.flow, cache: null } },
  );
  return { ...spec, tasks };
}
