import { type Instance, type JobTask, newInstance, type State } from "./state.ts";
import { addTimer } from "./timer.ts";

/** The task asks, and waits for a word until its time is over. */
export function askApproval(state: State, task: JobTask, nowMs: number): void {
  const { timeoutMs } = task.spec.flow.approve!;
  const instance = newInstance(task, 0, { kind: "waiting", untilMs: nowMs + timeoutMs });
  task.fresh = 1;
  task.readyAtMs = nowMs;
  instance.reason = "approval";
  instance.message = whatIsAsked(task);
  state.out.instances.add(instance);
  armApproval(state, instance);
}

export function armApproval(state: State, instance: Instance): void {
  if (instance.state.kind === "waiting") addTimer(state.timers, instance.state.untilMs, { kind: "approval", instance });
}

function whatIsAsked({ spec }: JobTask): string {
  const { by, message } = spec.flow.approve!;
  const who = by.length === 0 ? "anybody" : by.join(" or ");
  return `waits for approval by ${who}${message === "" ? "" : `: ${message}`}`;
}
