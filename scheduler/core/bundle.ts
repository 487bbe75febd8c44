import type { EndedRangeReport } from "../../lib/core/dispatch.ts";
import type { EndedRange } from "../../lib/core/execution.ts";
import { attemptKey, type NodeId, parseAttemptKey } from "../../lib/core/ids.ts";
import { endInRange } from "../../lib/core/alike.ts";
import { isMapped, type Run, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { makeAssignment, renderedRun } from "./assignment.ts";
import { attemptOn, endPlainly } from "./attempt.ts";
import type { Batch, RangeRow } from "./batch.ts";
import type { Answer } from "./event.ts";
import { mentionsResults } from "./expression.ts";
import { RANGE_INSTANCES_MAX, RANGE_INSTANCES_MIN } from "./limit.ts";
import type { EndedBundle, Outbox } from "./outbox.ts";
import { onEnded } from "./range-end.ts";
import { makeRoom } from "./reservation.ts";
import type { Active, Instance, JobTask, Node, State } from "./state.ts";

/**
 * Bundles: tasks of one job that differ in name and in what they run only, and are in their first attempt. Here each stays an
 * instance of its own; what leaves (messages, rows, lineage) is one for all that were assigned or ended together. What sets one apart
 * makes a row and a record of its own, as ever.
 */

/** Takes those that can go together out of the outbox. */
export function takeBundles(out: Outbox): Instance[][] {
  const open = new Map<Node, Map<JobTask["ask"], Instance[]>>();
  const bundles: Instance[][] = [];
  for (const instance of out.assigned) {
    const active = instance.state;
    if (active.kind !== "active" || !travels(instance, active)) continue;
    let byAsk = open.get(active.node);
    if (!byAsk) open.set(active.node, (byAsk = new Map()));
    let bundle = byAsk.get(instance.task.ask);
    if (!bundle || bundle.length >= RANGE_INSTANCES_MAX || !areAlike(bundle[0]!, instance)) {
      bundle = [];
      byAsk.set(instance.task.ask, bundle);
      bundles.push(bundle);
    }
    bundle.push(instance);
  }
  const whole = bundles.filter(({ length }) => length >= RANGE_INSTANCES_MIN);
  for (const bundle of whole) {
    for (const instance of bundle) {
      out.assigned.delete(instance);
      out.instances.delete(instance);
    }
  }
  return whole;
}

/** Nothing is chosen, kept or looked up for the attempt alone. */
function travels(instance: Instance, active: Active): boolean {
  return !active.started && active.choice === 0 && isPlain(instance, active) && isPlainTask(instance.task);
}

function isPlain(
  { attempt, failures, losses, crashes, service, cache, checkpoint }: Instance,
  active: Active,
): boolean {
  return (
    attempt === 1 &&
    active.gpuUuids.length === 0 &&
    failures + losses + crashes === 0 &&
    service === null &&
    cache === null &&
    checkpoint === null
  );
}

function isPlainTask({ spec, needs }: JobTask): boolean {
  return (
    spec.nodes === 1 &&
    !isMapped(spec) &&
    !spec.service &&
    !spec.checkpoint &&
    isEmpty(spec.inputs) &&
    !spec.sources &&
    !mentionsResults(spec) &&
    needs.every((need) => !need.spec.service)
  );
}

/** What both are told is the same, but for their names and what they run. That they ask for the same is known. */
function areAlike(a: Instance, b: Instance): boolean {
  const [one, other] = [a.task, b.task];
  return (
    one.job === other.job && a.index === b.index && a.assignedAtMs === b.assignedAtMs && haveSame(one.spec, other.spec)
  );
}

function haveSame(a: TaskSpec, b: TaskSpec): boolean {
  return (
    isSameOrEmpty(a.env, b.env) &&
    isSameOrEmpty(a.outputs, b.outputs) &&
    isSameOrEmpty(a.files, b.files) &&
    (a.environment === b.environment || (a.environment.kind === "none" && b.environment.kind === "none")) &&
    a.flow.aliases === b.flow.aliases &&
    a.stopGraceMs === b.stopGraceMs &&
    a.keepOutputs === b.keepOutputs
  );
}

function isSameOrEmpty(a: object, b: object): boolean {
  return a === b || (isEmpty(a) && isEmpty(b));
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}

/** The message that starts all of them. */
export function bundleEffect(bundle: readonly Instance[]): Batch["assign"][number] {
  const [first] = bundle;
  const active = first!.state as Active;
  const assignment = makeAssignment(first!, active);
  const runs = runsOf(bundle);
  const alike = { count: bundle.length, tasks: namesOf(bundle), env: {}, runs: runs.length === 1 ? null : runs };
  return { node: active.node.id, assignment: { ...assignment, alike } };
}

function namesOf(bundle: readonly Instance[]): string[] {
  return bundle.map(({ task }) => task.spec.name);
}

/** What each runs; one when all run the same. */
function runsOf(bundle: readonly Instance[]): Run[] {
  const [first, ...others] = bundle;
  const run = renderedRun(first!);
  if (others.every(({ task }) => isSameRun(task.spec.run, first!.task.spec.run))) return [run];
  return [run, ...others.map(renderedRun)];
}

function isSameRun(a: Run, b: Run): boolean {
  if (a === b) return true;
  if (a.kind === "script") return b.kind === "script" && a.script === b.script;
  return b.kind === "command" && a.argv.length === b.argv.length && a.argv.every((arg, i) => arg === b.argv[i]);
}

export function bundleRow(bundle: readonly Instance[]): RangeRow {
  const [first] = bundle;
  return {
    job: first!.task.job.id,
    task: first!.task.spec.name,
    tasks: namesOf(bundle),
    index: first!.index,
    count: bundle.length,
    node: first!.lastNode!,
    assignedAtMs: first!.assignedAtMs!,
    startedAtMs: null,
    finishedAtMs: null,
  };
}

/** Tasks that ended alike. Those of which more is known than that, and those of ranges, end one by one; stale ones are dropped. */
export function onBundleEnded(state: State, node: NodeId, report: EndedRangeReport, nowMs: number): Answer {
  const first = parseAttemptKey(report.key)!;
  const of = state.nodes.get(node);
  const instances: Instance[] = [];
  const places: number[] = [];
  let stale = 0;
  for (const [i, task] of report.tasks!.entries()) {
    const ref = { ...first, task };
    const key = attemptKey(ref);
    // Else it is stale, or still in a range of instances, which need not be broken for this.
    const found = of?.attempts.has(key) ? attemptOn(state, node, key, ref) : undefined;
    if (!found || !endsPlainly(state, found.instance, found.active)) {
      if (onEnded(state, node, endInRange(report, i), nowMs).kind === "stale") stale += 1;
      continue;
    }
    endPlainly(state, found.instance, found.active, report.startedAtMs[i]!, report.endedAtMs[i]!, nowMs);
    instances.push(found.instance);
    places.push(i);
  }
  if (of && instances.length > 0) {
    makeRoom(state, of);
    state.out.bundlesEnded.push({ node: { id: of.id, name: of.name }, instances, places, report, atMs: nowMs });
  }
  return stale === 0 ? { kind: "done" } : { kind: "stale", count: stale };
}

/** Its row says that it is assigned, and has nothing else to say when it has succeeded. */
function endsPlainly({ out }: State, instance: Instance, active: Active): boolean {
  return !out.instances.has(instance) && travels(instance, active);
}

/** One row for those that were assigned at one time. */
export function endedBundleRows({ instances, places, report, atMs }: EndedBundle): RangeRow[] {
  const together = new Map<string, { readonly bundle: Instance[]; readonly startedAtMs: number[] }>();
  for (const [i, instance] of instances.entries()) {
    const key = `${instance.assignedAtMs}`;
    let group = together.get(key);
    if (!group) together.set(key, (group = { bundle: [], startedAtMs: [] }));
    group.bundle.push(instance);
    group.startedAtMs.push(report.startedAtMs[places[i]!]!);
  }
  return Array.from(together.values(), ({ bundle, startedAtMs }) => ({
    ...bundleRow(bundle),
    startedAtMs,
    finishedAtMs: atMs,
  }));
}

/** What lineage keeps of them. */
export function makeEndedBundle({ node, instances, places, report }: EndedBundle): EndedRange {
  const [first] = instances;
  const { code, params } = first!.task.job;
  const whole = places.length === report.tasks!.length;
  return {
    node,
    code,
    params,
    inputs: [],
    runs: runsOf(instances),
    maps: instances.map(() => NO_MAP),
    report: whole ? report : pickEnds(report, places),
  };
}

const NO_MAP = Object.freeze({});

function pickEnds(report: EndedRangeReport, places: readonly number[]): EndedRangeReport {
  const pick = <T>(list: readonly T[]): T[] => places.map((place) => list[place]!);
  const tasks = pick(report.tasks!);
  return {
    ...report,
    key: attemptKey({ ...parseAttemptKey(report.key)!, task: tasks[0]! }),
    tasks,
    startedAtMs: pick(report.startedAtMs),
    endedAtMs: pick(report.endedAtMs),
    cpuMs: pick(report.cpuMs),
    peakMemoryBytes: pick(report.peakMemoryBytes),
  };
}
