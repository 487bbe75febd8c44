import type { TaskSpec__Output } from "../../../proto/gen/weft/v1/TaskSpec.ts";
import { FAILURE_REASONS, type FailureReason } from "../dispatch.ts";
import type { Issue } from "../error.ts";
import { hint } from "./nearest.ts";

/** The reasons of failures that a message's task is retried for. */
export function reasonsOf(task: TaskSpec__Output, issues: Issue[]): FailureReason[] {
  return (task.retries?.reasons ?? []).flatMap((reason, i) => {
    const known = FAILURE_REASONS.find((each) => each === reason);
    if (known) return [known];
    const message = `"${reason}" is no reason of a failure${hint(reason, FAILURE_REASONS)}`;
    issues.push({ path: ["tasks", task.name, "retries", "reasons", i], message });
    return [];
  });
}
