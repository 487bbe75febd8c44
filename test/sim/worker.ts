import type {
  ArtifactRef,
  Assignment,
  EndedReport,
  LossReason,
  OutputRef,
  ReadyReport,
  StartedReport,
  StopReason,
} from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type Digest } from "../../lib/core/ids.ts";
import { type Exit, judge, judgeStop, lost, type Verdict } from "../../worker/core/outcome.ts";
import { beyond, type Claim, claimOf, Room } from "../../worker/core/room.ts";
import { hash } from "./chance.ts";
import type { Life } from "./host.ts";
import type { SimMachine, SimRunner } from "./machine.ts";

/** As in worker/attempt.ts. */
interface Attempt {
  readonly key: AttemptKey;
  readonly assignment: Assignment;
  readonly priority: number;
  readonly claim: Claim;
  phase: "queued" | "preparing" | "running" | "collecting" | "ended";
  startedAtMs: number | null;
  stop: { readonly reason: StopReason | LossReason; readonly graceMs: number } | null;
}

/** Usual times, in milliseconds: to lay out a workspace, to store outputs, to start a runner. */
const PREPARE_MS = 3;
const COLLECT_MS = 2;
const RUNNER_START_MS = 60;

export interface WorkerHooks {
  readonly onReport: (report: StartedReport | ReadyReport | EndedReport, kept: () => void) => void;
}

/** The agent's worker, as worker/worker.ts: room, preparation, the runner, outputs, reports. */
export class SimWorker {
  readonly #machine: SimMachine;
  readonly #life: Life;
  readonly #hooks: WorkerHooks;
  readonly #room = new Room<Attempt>();
  readonly #attempts = new Map<AttemptKey, Attempt>();
  readonly #ended = new Set<AttemptKey>();
  #runner: SimRunner | null = null;
  #held = true;
  #lease: { readonly untilMs: number; readonly marginMs: number } | null = null;

  constructor(machine: SimMachine, life: Life, hooks: WorkerHooks) {
    this.#machine = machine;
    this.#life = life;
    this.#hooks = hooks;
  }

  /** Finds or starts the runner, then takes up what an earlier agent left. */
  open(open: readonly Assignment[], keep: readonly AttemptKey[], done: () => void): void {
    const found = this.#machine.runner?.life.alive === true;
    this.#life.after(found ? 1 : RUNNER_START_MS, () => {
      this.#connect();
      for (const key of keep) this.#ended.add(key);
      this.#recover(open);
      done();
    });
  }

  active(): { readonly key: AttemptKey; readonly phase: string }[] {
    return [...this.#attempts.values()].map(({ key, phase, stop }) => ({ key, phase: stop ? "stopping" : phase }));
  }

  assignment(key: AttemptKey): Assignment | undefined {
    return this.#attempts.get(key)?.assignment;
  }

  start(assignment: Assignment): void {
    const key = attemptKey(assignment.ref);
    if (this.#attempts.has(key) || this.#ended.has(key)) return;
    this.#enqueue(this.#adopt(assignment));
  }

  stop(key: AttemptKey, reason: StopReason | LossReason, graceMs: number): void {
    const attempt = this.#attempts.get(key);
    if (!attempt || (attempt.stop && attempt.stop.graceMs <= graceMs)) return;
    attempt.stop = { reason: attempt.stop?.reason ?? reason, graceMs };
    if (attempt.phase === "queued") {
      this.#room.withdraw(attempt);
      this.#endUnstarted(attempt, this.#stopVerdict(attempt));
    } else if (attempt.phase === "running") this.#runner?.stop(key, attempt.stop.reason, graceMs);
  }

  renewLease(remainingMs: number, marginMs: number): void {
    this.#lease = { untilMs: this.#machine.parts.clock.monotonicMs() + remainingMs, marginMs };
    this.#runner?.renewLease(this.#lease.untilMs, marginMs);
  }

  /** Its runner was killed; another one is started, and kills what that one had. */
  onRunnerGone(): void {
    this.#runner = null;
    this.#life.after(RUNNER_START_MS, () => {
      this.#connect();
      for (const attempt of this.#attempts.values()) if (attempt.phase === "running") this.#reconcile(attempt);
    });
  }

  forget(key: AttemptKey): void {
    if (this.#ended.delete(key)) this.#machine.folders.delete(key);
  }

  #connect(): void {
    const runner = this.#machine.openRunner();
    this.#runner = runner;
    if (this.#lease) runner.renewLease(this.#lease.untilMs, this.#lease.marginMs);
    runner.listener = {
      onStarted: (key, atMs) => this.#life.run(() => this.#onStarted(key, atMs)),
      onEnded: (key, exit) => this.#life.run(() => this.#onProcessesEnded(key, exit)),
    };
  }

  #recover(open: readonly Assignment[]): void {
    const known = new Set(open.map(({ ref }) => attemptKey(ref)));
    for (const key of this.#machine.processes.keys()) if (!known.has(key)) this.#runner?.stop(key, "fenced", 0);
    for (const assignment of open) {
      const attempt = this.#adopt(assignment);
      if (!this.#machine.processes.has(attempt.key) && !this.#machine.folder(attempt.key).started) {
        this.#enqueue(attempt);
        continue;
      }
      this.#room.take(attempt.claim);
      attempt.phase = "running";
      this.#reconcile(attempt);
    }
  }

  #reconcile(attempt: Attempt): void {
    const { exit, started } = this.#machine.folder(attempt.key);
    const live = this.#machine.processes.get(attempt.key);
    if (live) {
      this.#onStarted(attempt.key, live.startedAtMs);
      if (attempt.stop) this.#runner?.stop(attempt.key, attempt.stop.reason, attempt.stop.graceMs);
    } else if (exit) this.#onProcessesEnded(attempt.key, exit);
    else if (started) this.#onProcessesEnded(attempt.key, this.#lostWithRunner(attempt));
    else this.#runner?.start(attempt.assignment);
  }

  #lostWithRunner({ startedAtMs }: Attempt): Exit {
    const endedAtMs = this.#machine.parts.clock.wallMs();
    const usage = { peakMemoryBytes: 0 };
    const nothing = { exitCode: null, signal: null, spawnError: null, outOfMemory: null, leftovers: 0, unkillable: 0 };
    return { ...nothing, startedAtMs, endedAtMs, stopped: "runner-lost", usage };
  }

  #adopt(assignment: Assignment): Attempt {
    const attempt: Attempt = {
      key: attemptKey(assignment.ref),
      assignment,
      priority: assignment.priority,
      claim: claimOf(assignment.resources, assignment.gpuUuids),
      phase: "queued",
      startedAtMs: null,
      stop: null,
    };
    this.#attempts.set(attempt.key, attempt);
    return attempt;
  }

  #capacity() {
    const { cpuMillis, memoryBytes, gpus } = this.#machine.capacity;
    return { cpuMillis, memoryBytes, gpuUuids: gpus.map(({ uuid }) => uuid) };
  }

  #enqueue(attempt: Attempt): void {
    const unfit = beyond(attempt.claim, this.#capacity());
    if (unfit !== undefined) return this.#endUnstarted(attempt, lost("node-changed", `cannot run here: ${unfit}`));
    this.#room.add(attempt);
    this.#admit();
  }

  /** The node has been let in: until then nothing starts, since what an earlier agent left may have gone to others. */
  admit(): void {
    this.#held = false;
    this.#admit();
  }

  #admit(): void {
    if (this.#held) return;
    for (const attempt of this.#room.admit(this.#capacity())) {
      attempt.phase = "preparing";
      this.#life.after(this.#machine.parts.chance.tailed(PREPARE_MS), () => this.#onPrepared(attempt));
    }
  }

  #onPrepared(attempt: Attempt): void {
    if (attempt.stop) {
      this.#leave(attempt);
      return this.#endUnstarted(attempt, this.#stopVerdict(attempt));
    }
    attempt.phase = "running";
    this.#runner?.start(attempt.assignment);
  }

  #stopVerdict(attempt: Attempt): Verdict {
    const seen = { outOfMemory: null, usage: { peakMemoryBytes: 0 } };
    return judgeStop(seen, attempt.stop!.reason, attempt.assignment);
  }

  #onStarted(key: AttemptKey, atMs: number): void {
    const attempt = this.#attempts.get(key);
    if (!attempt || attempt.phase !== "running") return;
    attempt.startedAtMs = atMs;
    this.#hooks.onReport({ kind: "started", key, atMs }, () => {});
    if (attempt.assignment.service) this.#probe(attempt);
  }

  /** Asks the service, also after a restart of the agent: ready once, unhealthy at some time after that. */
  #probe(attempt: Attempt): void {
    const { key, assignment } = attempt;
    const process = this.#machine.processes.get(key);
    if (!process) return;
    const { readyMs, unhealthyMs } = process.behaviour;
    const isThere = (): boolean => attempt.phase === "running" && process.life.alive;
    this.#life.after(readyMs, () => {
      if (!isThere()) return;
      const atMs = this.#machine.parts.clock.wallMs();
      this.#hooks.onReport({ kind: "ready", key, atMs, ready: true, message: "" }, () => {});
      if (unhealthyMs === null) return;
      this.#life.after(unhealthyMs, () => isThere() && this.#runner?.stop(key, "unhealthy", assignment.stopGraceMs));
    });
  }

  #onProcessesEnded(key: AttemptKey, exit: Exit): void {
    const attempt = this.#attempts.get(key);
    if (!attempt || attempt.phase !== "running") return;
    attempt.phase = "collecting";
    this.#leave(attempt);
    this.#life.after(this.#machine.parts.chance.tailed(COLLECT_MS), () => {
      const { assignment } = attempt;
      const verdict = judge(exit, assignment, { stderrLine: "", diskBytesFree: undefined, folder: "" });
      const report = { ...reportOf(attempt, verdict, exit.endedAtMs), ...exitOf(exit) };
      const { result, leavesCheckpoint } = this.#machine.parts.behaviourOf(assignment);
      if (verdict.outcome.kind === "succeeded")
        return this.#end(attempt, { ...report, outputs: outputsOf(assignment), result });
      const left = assignment.checkpoint !== null && exit.startedAtMs !== null && leavesCheckpoint;
      this.#end(attempt, left ? { ...report, checkpoint: checkpointOf(attempt.key) } : report);
    });
  }

  #endUnstarted(attempt: Attempt, verdict: Verdict): void {
    this.#end(attempt, reportOf(attempt, verdict, this.#machine.parts.clock.wallMs()));
  }

  #end(attempt: Attempt, report: EndedReport): void {
    attempt.phase = "ended";
    this.#ended.add(attempt.key);
    this.#hooks.onReport(report, () => void this.#attempts.delete(attempt.key));
  }

  #leave(attempt: Attempt): void {
    this.#room.leave(attempt.claim);
    this.#admit();
  }
}

function exitOf({ startedAtMs, exitCode, signal }: Exit) {
  return { startedAtMs, exitCode, signal, logBytes: { stdout: 1, stderr: 0 } };
}

function reportOf(attempt: Attempt, { outcome, message }: Verdict, endedAtMs: number): EndedReport {
  return {
    kind: "ended",
    key: attempt.key,
    outcome,
    message,
    startedAtMs: attempt.startedAtMs,
    endedAtMs,
    exitCode: null,
    signal: null,
    usage: { cpuMs: 1, peakMemoryBytes: 1, source: "sampled" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}

/** What an attempt leaves for the next one. */
function checkpointOf(key: AttemptKey): ArtifactRef {
  return { digest: digestOf(`${key}/checkpoint`), kind: "tree", bytes: 1 };
}

function digestOf(text: string): Digest {
  return `sha256:${hash(text).toString(16).padStart(8, "0").repeat(8)}` as Digest;
}

/** Another content for each attempt, so that it can be told whose result was kept. */
export function outputsOf(assignment: Pick<Assignment, "ref" | "outputs">): OutputRef[] {
  const key = attemptKey(assignment.ref);
  return assignment.outputs.map(({ name, path }) => {
    return { name, digest: digestOf(`${key}/${name}`), kind: "file", bytes: 1, fileName: path };
  });
}
