import type { EndedReport } from "../../lib/core/dispatch.ts";
import { hasWorkBesideServices, type ServiceSpec } from "../../lib/core/pipeline/service.ts";
import { backoff } from "./backoff.ts";
import { endFresh, followTask } from "./flow.ts";
import { endInstance } from "./job.ts";
import { SERVICE_STEADY_MS } from "./limit.ts";
import { UNWANTED } from "./outcome.ts";
import { orderStop } from "./stop.ts";
import type { Active, Instance, Job, JobTask, ServiceState, State } from "./state.ts";

const BEGUN: ServiceState = { ready: false, changedAtMs: 0, servedAtMs: null, restarts: 0, streak: 0, message: "" };

/** What the node says about the service's readiness. False: it is old, or no news. */
export function onReadiness(
  state: State,
  instance: Instance,
  told: { readonly ready: boolean; readonly atMs: number; readonly message: string },
  nowMs: number,
): boolean {
  const { task } = instance;
  const before = instance.service ?? BEGUN;
  const { toldAtMs = 0 } = before;
  // Of the same attempt: another one may be on a node whose clock is behind.
  if (!task.spec.service || told.atMs < toldAtMs) return false;
  if (before.ready === told.ready && before.message === told.message && toldAtMs > 0) return false;
  const servedAtMs = before.servedAtMs ?? (told.ready ? told.atMs : null);
  const { ready, message, atMs } = told;
  const changedAtMs = Math.max(before.changedAtMs, atMs);
  instance.service = { ...before, ready, changedAtMs, message, servedAtMs, toldAtMs: atMs };
  state.out.instances.add(instance);
  if (!task.served && haveServed(task)) {
    task.served = true;
    followTask(state, task, nowMs);
  }
  return true;
}

/** Each of its instances has been ready: who needs the service may start. It stays so whatever becomes of the service. */
export function haveServed(task: JobTask): boolean {
  if (!task.spec.service || task.instances === null || task.fresh < task.count) return false;
  for (const { service } of task.instances.values()) if (!service || service.servedAtMs === null) return false;
  return true;
}

/**
 * What becomes of a service's instance after an attempt: it has ended, or waits so many milliseconds for the next one. Null:
 * the attempt was lost or stopped, which is the same for all tasks.
 */
export function afterService(
  state: State,
  instance: Instance,
  { outcome, startedAtMs, endedAtMs }: EndedReport,
): "succeeded" | "failed" | number | null {
  const { task } = instance;
  const service = task.spec.service!;
  const before = instance.service ?? BEGUN;
  instance.service = {
    ...before,
    ready: false,
    changedAtMs: Math.max(before.changedAtMs, endedAtMs),
    toldAtMs: 0,
    message: instance.message,
  };
  if (isFinishing(task.job)) return "succeeded";
  const isOver = outcome.kind === "failed" && outcome.reason === "timeout";
  if (outcome.kind === "lost" || outcome.kind === "stopped") return null;
  const again = service.restart === "always" || (service.restart === "onFailure" && outcome.kind === "failed");
  if (again && !isOver) {
    const ranMs = startedAtMs === null ? 0 : endedAtMs - startedAtMs;
    return restart(state, instance, service, ranMs);
  }
  if (before.servedAtMs === null && task.dependents.length > 0) {
    instance.message = `ended before it was ready, and ${task.dependents[0]!.spec.name} needs it${instance.message === "" ? "" : `: ${instance.message}`}`;
    return "failed";
  }
  return outcome.kind === "failed" && !isOver ? "failed" : "succeeded";
}

function restart(state: State, instance: Instance, { backoffMs, backoffMsMax }: ServiceSpec, ranMs: number): number {
  const before = instance.service ?? BEGUN;
  // What has run for long has not come up in vain.
  const streak = ranMs >= SERVICE_STEADY_MS ? 1 : before.streak + 1;
  instance.service = { ...before, restarts: before.restarts + 1, streak };
  return backoff(backoffMs, backoffMsMax, streak, state.config.random);
}

/** Nothing is left of the job but services, though it had more than those. */
export function isFinishing({ spec, tasksLeft, servicesLeft }: Job): boolean {
  return servicesLeft > 0 && tasksLeft === servicesLeft && hasWorkBesideServices(spec);
}

/** Stops the services of jobs of which nothing else is left. */
export function finishServices(state: State, nowMs: number): void {
  for (const job of state.finishing) {
    state.finishing.delete(job);
    if (job.finishedAtMs !== null || job.cancelRequested) continue;
    for (const task of job.tasks) if (task.spec.service && task.outcome === null) finishService(state, task, nowMs);
  }
}

const UNNEEDED = { reason: UNWANTED, message: "nothing of its job was left that could need it" };

function finishService(state: State, task: JobTask, nowMs: number): void {
  for (const instance of task.instances?.values() ?? []) {
    if (instance.state.kind === "active") orderStop(state, instance, "finished");
    else if (instance.state.kind !== "ended") endInstance(state, instance, "succeeded", nowMs);
  }
  if (task.fresh === task.count) return;
  endFresh(state, task, "skipped", UNNEEDED, nowMs);
  if (task.outcome !== null) followTask(state, task, nowMs);
}

/** Where the services that the task needs can be reached from `node`, by name; more than one where they are mapped. */
export function addressesFor(task: JobTask, node: Active["node"]): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const need of task.needs) {
    const port = need.spec.service?.port ?? null;
    if (port === null) continue;
    found[need.spec.name] = [...(need.instances?.values() ?? [])].flatMap(({ state }) => {
      if (state.kind !== "active") return [];
      return `${state.node === node ? "127.0.0.1" : state.node.address}:${port}`;
    });
  }
  return found;
}
