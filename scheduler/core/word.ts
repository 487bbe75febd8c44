import type { JobId } from "../../lib/core/ids.ts";
import { formatDuration } from "../../proto/units.ts";
import type { Answer } from "./event.ts";
import { endInstance } from "./job.ts";
import type { Instance, State } from "./state.ts";

/** What a person says about a task that waits for it. */
export interface Word {
  readonly job: JobId;
  readonly task: string;
  readonly by: string;
  readonly approved: boolean;
  readonly comment: string;
}

export function onApprovalGiven(state: State, word: Word, nowMs: number): Answer {
  const refuse = (code: "not_found" | "failed_precondition", message: string): Answer => ({
    kind: "refused",
    code,
    message,
    issues: [],
  });
  const task = state.jobs.get(word.job)?.tasks.find(({ spec }) => spec.name === word.task);
  if (!task) return refuse("not_found", `no job that runs has a task ${word.task}`);
  const { approve } = task.spec.flow;
  if (!approve) return refuse("failed_precondition", `task ${word.task} asks for no approval`);
  const instance = task.instances?.get(0);
  if (!instance)
    return refuse("failed_precondition", `task ${word.task} does not ask yet: what it needs has not ended`);
  if (instance.state.kind !== "waiting") {
    const what = instance.state.kind === "ended" ? instance.state.as : instance.state.kind;
    return refuse("failed_precondition", `task ${word.task} asks no more: it has ${what} (${instance.message})`);
  }
  if (approve.by.length > 0 && !approve.by.includes(word.by)) {
    const who = approve.by.join(", ");
    return refuse("failed_precondition", `task ${word.task} is approved by ${who}; "${word.by}" is not among them`);
  }
  const { by, approved, comment } = word;
  const said = `${approved ? "approved" : "rejected"} by ${by}${comment === "" ? "" : `: ${comment}`}`;
  instance.reason = approved ? "" : "rejected";
  instance.message = said;
  const made = { outputs: [], result: { approved, by, comment, atMs: nowMs } };
  endInstance(state, instance, approved ? "succeeded" : "failed", nowMs, made);
  return { kind: "done" };
}

/** Its time may be over. */
export function onApprovalTimer(state: State, instance: Instance, nowMs: number): void {
  if (instance.state.kind !== "waiting" || instance.state.untilMs > nowMs) return;
  const { by, timeoutMs } = instance.task.spec.flow.approve!;
  const asked = by.length === 0 ? "" : ` (asked for: ${by.join(", ")})`;
  instance.reason = "approval-timeout";
  instance.message = `nobody approved it within ${formatDuration(timeoutMs)}${asked}`;
  endInstance(state, instance, "failed", nowMs);
}
