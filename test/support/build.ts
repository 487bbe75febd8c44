import { expandAssignment } from "../../lib/core/alike.ts";
import type { EndedReport, Outcome, OutputRef } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type Digest, type JobId, type NodeId } from "../../lib/core/ids.ts";
import { PLAIN_FLOW } from "../../lib/core/pipeline/flow.ts";
import type { PipelineSpec, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import {
  type Batch,
  type Capacity,
  check,
  drain,
  type Event,
  newState,
  type NewJob,
  place,
  rangeTasks,
  type SchedulerConfig,
  type State,
  step,
  type TaskRow,
} from "../../scheduler/core/index.ts";

/** Builders for tests of the scheduler's core: say what matters, the rest has a plain default. */

export const GIB = 2 ** 30;

export function task(name: string, parts: Partial<TaskSpec> = {}): TaskSpec {
  return {
    name,
    run: { kind: "command", argv: ["true"] },
    needs: [],
    inputs: {},
    outputs: {},
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    map: [],
    retries: retriesOf(),
    timeoutMs: 0,
    env: {},
    files: [],
    environment: { kind: "none" },
    stopGraceMs: 10_000,
    flow: PLAIN_FLOW,
    alternatives: [],
    placement: null,
    nodes: 1,
    preemptible: false,
    checkpoint: false,
    ...parts,
  };
}

export function retriesOf(parts: Partial<TaskSpec["retries"]> = {}): TaskSpec["retries"] {
  return { limit: 0, backoffMs: 0, backoffMsMax: 0, exitCodes: [], reasons: [], crashes: 5, ...parts };
}

export function flow(parts: Partial<TaskSpec["flow"]>): TaskSpec["flow"] {
  return { ...PLAIN_FLOW, ...parts };
}

export function asks(cpus: number, parts: Partial<TaskSpec["resources"]> = {}): TaskSpec["resources"] {
  return { cpuMillis: cpus * 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null, ...parts };
}

export function mapOver(count: number): TaskSpec["map"] {
  return [{ name: "i", values: Array.from({ length: count }, (_, i) => i) }];
}

export function pipeline(...tasks: TaskSpec[]): PipelineSpec {
  return { name: "test", params: {}, tasks, project: "default", priority: 0 };
}

export function job(id: string, spec: PipelineSpec, parts: Partial<NewJob> = {}): NewJob {
  return {
    id: id as JobId,
    spec,
    params: {},
    code: null,
    priority: 0,
    trigger: "manual",
    idempotencyKey: null,
    ...parts,
  };
}

export function capacity(cpus: number, gpus = 0, memoryBytes = 64 * GIB): Capacity {
  return {
    cpuMillis: cpus * 1000,
    memoryBytes,
    diskBytes: 1000 * GIB,
    gpus: Array.from({ length: gpus }, (_, i) => ({
      uuid: `GPU-${i}`,
      computeCapability: "9.0",
      driver: "550.54",
      mig: "",
      model: "H100",
      memoryBytes: 80 * GIB,
      healthy: true,
    })),
  };
}

export function output(name: string, digit = "0"): OutputRef {
  return { name, digest: `sha256:${digit.repeat(64)}` as Digest, kind: "file", bytes: 1, fileName: name };
}

export function endedReport(key: AttemptKey, outcome: Outcome, parts: Partial<EndedReport> = {}): EndedReport {
  return {
    kind: "ended",
    key,
    outcome,
    message: "",
    startedAtMs: 1,
    endedAtMs: 2,
    exitCode: outcome.kind === "succeeded" ? 0 : outcome.kind === "failed" ? 1 : null,
    signal: null,
    usage: { cpuMs: 1, peakMemoryBytes: 1, source: "sampled" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
    ...parts,
  };
}

/** Of a round in which nothing else happened. */
export function batchOf(parts: Partial<Batch> = {}): Batch {
  return {
    jobsNew: [],
    jobs: [],
    news: [],
    tasks: [],
    ranges: [],
    maps: [],
    ended: [],
    endedRanges: [],
    nodes: [],
    projects: [],
    rates: [],
    cached: [],
    lookups: [],
    assign: [],
    stop: [],
    ...parts,
  };
}

export const SUCCEEDED: Outcome = { kind: "succeeded" };
export const FAILED: Outcome = { kind: "failed", reason: "exit" };

/** The core with a clock that only tests move. Every step is checked against the laws. */
export class Bench {
  nowMs: number;
  readonly state: State;

  constructor(config: Partial<SchedulerConfig> = {}, state?: State, nowMs = 1_000_000) {
    this.nowMs = nowMs;
    this.state =
      state ?? newState({ leaseMs: 30_000, skewMs: 1_000, silentHeartbeatsMax: 2, random: () => 0.5, ...config });
  }

  step(event: Event) {
    const answer = step(this.state, event, this.nowMs);
    this.#check(event.kind);
    return answer;
  }

  /** Places, and takes out what was decided since the last call. */
  settle(): Batch {
    place(this.state, this.nowMs);
    this.#check("place");
    const batch = drain(this.state);
    this.#check("drain");
    return batch;
  }

  /** Lets time pass, fires what is due, places and drains. */
  pass(ms: number): Batch {
    this.nowMs += ms;
    this.step({ kind: "clockTicked" });
    return this.settle();
  }

  join(node: string, has: Capacity = capacity(4)): Batch {
    this.step({
      kind: "nodeJoined",
      node: node as NodeId,
      name: node,
      labels: {},
      address: `${node}.test`,
      capacity: has,
    });
    return this.settle();
  }

  hear(node: string, active: readonly AttemptKey[] = [], leaving = false) {
    return this.step({ kind: "nodeHeard", node: node as NodeId, capacity: null, active, leaving });
  }

  submit(newJob: NewJob): Batch {
    this.step({ kind: "jobSubmitted", job: newJob });
    return this.settle();
  }

  start(node: string, key: AttemptKey): Batch {
    this.step({ kind: "attemptStarted", node: node as NodeId, key, atMs: this.nowMs });
    return this.settle();
  }

  end(node: string, key: AttemptKey, outcome: Outcome = SUCCEEDED, parts: Partial<EndedReport> = {}): Batch {
    this.step({
      kind: "attemptEnded",
      node: node as NodeId,
      report: endedReport(key, outcome, { endedAtMs: this.nowMs, startedAtMs: this.nowMs, ...parts }),
    });
    return this.settle();
  }

  #check(after: string): void {
    const faults = check(this.state);
    if (faults.length > 0) throw new Error(`after ${after}: ${faults.join("; ")}`);
  }
}

export function assigned(batch: Batch): string[] {
  return batch.assign.flatMap(({ node, assignment }) =>
    expandAssignment(assignment).map(({ ref }) => `${attemptKey(ref)}@${node}`),
  );
}

export function rows(batch: Batch): string[] {
  return [...batch.ranges.flatMap(rangeTasks), ...batch.tasks].map(
    (row: TaskRow) => `${row.task}.${row.index}#${row.attempt} ${row.state}`,
  );
}

export function key(text: string): AttemptKey {
  return text as AttemptKey;
}
