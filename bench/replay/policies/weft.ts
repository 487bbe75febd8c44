import assert from "node:assert";
import type { EndedReport, Outcome } from "../../../lib/core/dispatch.ts";
import { type AttemptKey, attemptKey, type JobId, type NodeId } from "../../../lib/core/ids.ts";
import { PLAIN_FLOW } from "../../../lib/core/pipeline/flow.ts";
import type { PipelineSpec, Resources, TaskSpec } from "../../../lib/core/pipeline/spec.ts";
import {
  type Batch,
  type Capacity,
  drain,
  type Event,
  newState,
  nextTimerMs,
  place,
  type State,
  step,
} from "../../../scheduler/core/index.ts";
import type { Place, Run } from "../books.ts";
import type { Desk, Policy } from "../policy.ts";
import type { Machine, Shape } from "../workload.ts";

export interface WeftRules {
  /** All jobs say that they may be stopped: projects short of their share take it back. */
  readonly preemptible?: true;
  /** All jobs say how long they may take: the power of two of minutes at or above their run time. Backfill goes by it. */
  readonly limits?: true;
}

/** Longer than any trace: the replay has no heartbeats, and loses no node. */
const LEASE_MS = 1e15;

/** The scheduler's real core, fed with events as the server does: step for each fact, one place, one drain. */
export class Weft implements Policy {
  readonly state: State;
  readonly #desk: Desk;
  readonly #rules: WeftRules;
  readonly #specs = new Map<string, PipelineSpec>();
  readonly #runs = new Map<JobId, Run>();
  /** Of the present attempt, a key a member. */
  readonly #keys = new Map<Run, { readonly node: NodeId; readonly key: AttemptKey }[]>();

  constructor(desk: Desk, rules: WeftRules) {
    this.#desk = desk;
    this.#rules = rules;
    this.state = newState({ leaseMs: LEASE_MS, skewMs: 0, silentHeartbeatsMax: 3, random: () => 0.5 });
    for (const { index, machine } of desk.books.hosts) {
      const name = machine.name;
      const capacity = capacityOf(machine);
      this.#step({ kind: "nodeJoined", node: nodeId(index), name, labels: {}, address: "", capacity }, 0);
    }
  }

  submitted(run: Run, nowMs: number): void {
    const id = jobId(run.index);
    this.#runs.set(id, run);
    const job = {
      id,
      spec: this.#specOf(run),
      params: {},
      code: null,
      priority: 0,
      trigger: "replay",
      idempotencyKey: null,
    };
    const answer = step(this.state, { kind: "jobSubmitted", job }, nowMs);
    assert(answer.kind === "accepted", `${run.job.name} is refused: ${JSON.stringify(answer)}`);
  }

  ended(run: Run, _places: readonly Place[], nowMs: number): void {
    this.#report(run, { kind: "succeeded" }, nowMs);
    this.#runs.delete(jobId(run.index));
  }

  round(nowMs: number): void {
    this.#step({ kind: "clockTicked" }, nowMs);
    place(this.state, nowMs);
    const batch = drain(this.state);
    // What is stopped frees its machine only in the round after.
    this.#start(batch, nowMs);
    this.#stop(batch, nowMs);
  }

  nextMs(nowMs: number): number | null {
    if (this.state.placementDue) return nowMs;
    const timer = nextTimerMs(this.state);
    return timer === null || timer >= LEASE_MS ? null : timer;
  }

  #start(batch: Batch, nowMs: number): void {
    const places = new Map<JobId, Place[]>();
    for (const { node, assignment } of batch.assign) {
      const { job } = assignment.ref;
      const run = this.#runs.get(job)!;
      const at: Place = { host: this.#desk.books.hosts[hostIndex(node)]!, devices: assignment.gpuUuids.map(device) };
      const list = places.get(job);
      if (list) list.push(at);
      else places.set(job, [at]);
      const key = attemptKey(assignment.ref);
      if (list) this.#keys.get(run)!.push({ node, key });
      else this.#keys.set(run, [{ node, key }]);
    }
    for (const [job, at] of places) {
      const run = this.#runs.get(job)!;
      this.#desk.start(run, at);
      for (const { node, key } of this.#keys.get(run)!)
        this.#step({ kind: "attemptStarted", node, key, atMs: nowMs }, nowMs);
    }
  }

  #stop(batch: Batch, nowMs: number): void {
    const stopped = new Set<Run>();
    for (const { order } of batch.stop) {
      if (order.reason !== "preempted") continue;
      const run = this.#runs.get(order.key.slice(0, order.key.indexOf(".")) as JobId);
      if (run && run.places.length > 0) stopped.add(run);
    }
    for (const run of stopped) {
      this.#desk.stop(run);
      this.#report(run, { kind: "lost", reason: "preempted" }, nowMs);
    }
  }

  #report(run: Run, outcome: Outcome, nowMs: number): void {
    for (const { node, key } of this.#keys.get(run)!)
      this.#step({ kind: "attemptEnded", node, report: endedReport(key, outcome, nowMs) }, nowMs);
    this.#keys.delete(run);
  }

  #step(event: Event, nowMs: number): void {
    const answer = step(this.state, event, nowMs);
    assert(answer.kind === "done", `${event.kind} was answered ${answer.kind}`);
  }

  #specOf({ job: { shape, project, runMs } }: Run): PipelineSpec {
    const timeoutMs = this.#rules.limits ? 60_000 * 2 ** Math.ceil(Math.log2(Math.max(1, runMs / 60_000))) : 0;
    const key = `${project}/${timeoutMs}/${shape.key}`;
    let spec = this.#specs.get(key);
    if (!spec) {
      const task = taskOf(shape, timeoutMs, this.#rules.preemptible ?? false);
      this.#specs.set(key, (spec = { name: "replay", params: {}, tasks: [task], project, priority: 0 }));
    }
    return spec;
  }
}

function taskOf(shape: Shape, timeoutMs: number, preemptible: boolean): TaskSpec {
  const { models } = shape;
  const gpu = models.length === 0 ? null : { memoryBytes: 0, models, computeCapability: "", driver: "", mig: "" };
  const resources: Resources = {
    cpuMillis: shape.cpuMillis,
    memoryBytes: shape.memoryBytes,
    diskBytes: 0,
    gpuMillis: shape.gpuMillis,
    gpu,
  };
  return {
    name: "t",
    run: { kind: "command", argv: ["true"] },
    needs: [],
    inputs: {},
    outputs: {},
    resources,
    map: [],
    retries: { limit: 0, backoffMs: 0, backoffMsMax: 0, exitCodes: [], reasons: [], crashes: 0 },
    timeoutMs,
    env: {},
    files: [],
    environment: { kind: "none" },
    stopGraceMs: 0,
    flow: PLAIN_FLOW,
    alternatives: [],
    placement: null,
    nodes: shape.members,
    preemptible,
    checkpoint: preemptible,
  };
}

function capacityOf({ cpuMillis, memoryBytes, gpus, model }: Machine): Capacity {
  return {
    cpuMillis,
    memoryBytes,
    diskBytes: 0,
    gpus: Array.from({ length: gpus }, (_, i) => ({
      uuid: `g${i}`,
      model,
      memoryBytes: 0,
      healthy: true,
      computeCapability: "",
      driver: "",
      mig: "",
    })),
  };
}

function endedReport(key: AttemptKey, outcome: Outcome, nowMs: number): EndedReport {
  return {
    kind: "ended",
    key,
    outcome,
    message: "",
    startedAtMs: null,
    endedAtMs: nowMs,
    exitCode: outcome.kind === "succeeded" ? 0 : null,
    signal: null,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}

const jobId = (index: number): JobId => `j${index}` as JobId;
const nodeId = (index: number): NodeId => `n${index}` as NodeId;
const hostIndex = (node: NodeId): number => Number(node.slice(1));
const device = (uuid: string): number => Number(uuid.slice(1));
