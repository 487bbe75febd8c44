import { constants, existsSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { ArtifactClient } from "../lib/artifacts.ts";
import type { Assignment, EndedReport, LossReason, OutputRef, StopReason } from "../lib/core/dispatch.ts";
import { describeError, WeftError } from "../lib/core/error.ts";
import { attemptKey, type AttemptKey, type Digest } from "../lib/core/ids.ts";
import { patiently, type Cache } from "./cache.ts";
import { layOutCheckpoint, storeCheckpoint } from "./checkpoint.ts";
import { diskFull, failed, judge, judgeStop, lost, type Surroundings, type Verdict } from "./core/outcome.ts";
import { claimOf, type Claim } from "./core/room.ts";
import { variables } from "./core/variables.ts";
import { containerStart } from "./environment/container.ts";
import type { Engine } from "./environment/engine.ts";
import { AttemptStopped, EnvironmentError } from "./environment/failure.ts";
import { environmentInUse, provideEnvironment, type Provided } from "./environment/provide.ts";
import type { Shelf } from "./environment/shelf.ts";
import type { Folders } from "./folders.ts";
import type { DeviceGuard } from "./index.ts";
import { attemptDir, CHECKPOINT, RESULT, SCRIPT, STDERR, STDOUT, TENSORBOARD, TMP, WORKSPACE } from "./folder.ts";
import { layOutSources, readsOf } from "./outside/lay-out.ts";
import { OutsideError } from "./outside/remote.ts";
import { OutputError, storeOutputs } from "./outputs.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { Prober } from "./prober.ts";
import { resultOf } from "./result.ts";
import { recordUnstarted } from "./runner/exit.ts";
import type { ExitRecord, StartRequest } from "./runner/protocol.ts";
import { layOut, needsNothing } from "./workspace.ts";
import { trackingVariables } from "./tracking.ts";

/**
 *   queued      waits for room. → preparing
 *   preparing   workspace is being made; `abort` ends that. → running, ended
 *   running     the runner has it, or was told to start it. → collecting
 *   collecting  no process is left; outputs are being stored; `abort` ends that. → ended
 *   ended       reported; its spool is kept until it is forgotten
 */
export type Phase = "queued" | "preparing" | "running" | "collecting" | "ended";

export interface Attempt {
  readonly key: AttemptKey;
  readonly assignment: Assignment;
  readonly priority: number;
  readonly claim: Claim;
  readonly folder: string;
  phase: Phase;
  startedAtMs: number | null;
  stop: { readonly reason: StopReason | LossReason; readonly graceMs: number } | null;
  readonly abort: AbortController;
  /** What it keeps from being evicted. */
  readonly pins: Set<Digest>;
  environmentDigest: Digest | null;
  /** Held until no process is left that could use it. */
  environment: Provided | null;
  spoolShown: boolean;
  /** Of a service that runs. */
  prober: Prober | null;
  /** Of one that keeps its checkpoint while it runs. */
  checkpointer: Checkpointer | null;
  /** What its liveness probe said last; empty: nothing was wrong. */
  unhealthy: string;
}

/** What attempts are made with. */
export interface Tools {
  readonly cache: Cache;
  readonly shelf: Shelf;
  /** For tasks in containers; undefined: there is none on this machine. */
  readonly engine: Engine | undefined;
  readonly folders: Folders;
  readonly devices: DeviceGuard | undefined;
  readonly artifacts: ArtifactClient;
  readonly env: Readonly<Record<string, string>>;
  readonly trackingUrl: () => string | null;
  readonly storeWaitMsMax: number;
}

/** Of stderr's end that is searched for its last line. */
const TAIL_BYTES = 1024;

export function newAttempt(dir: string, assignment: Assignment): Attempt {
  const key = attemptKey(assignment.ref);
  return {
    key,
    assignment,
    priority: assignment.priority,
    claim: claimOf(assignment.resources, assignment.gpuUuids),
    folder: attemptDir(dir, key),
    phase: "queued",
    startedAtMs: null,
    stop: null,
    abort: new AbortController(),
    pins: new Set(),
    environmentDigest: null,
    environment: null,
    spoolShown: false,
    prober: null,
    checkpointer: null,
    unhealthy: "",
  };
}

/** Makes the workspace; undefined once it is ready, or at once (no promise) when there was nothing to wait for. */
export function prepare(
  attempt: Attempt,
  tools: Tools,
  onStderr: () => void,
): Verdict | undefined | Promise<Verdict | undefined> {
  try {
    tools.folders.make(attempt.folder);
    const { run } = attempt.assignment;
    if (run.kind === "script") writeFileSync(join(attempt.folder, SCRIPT), run.script);
    const isGuarded = tools.devices !== undefined && attempt.claim.gpuUuids.length > 0;
    if (!isGuarded && needsNothing(attempt.assignment)) return undefined;
  } catch (error) {
    return explainPreparation(attempt, error);
  }
  return fill(attempt, tools, onStderr).then(
    () => undefined,
    (error: unknown) => explainPreparation(attempt, error),
  );
}

async function fill(attempt: Attempt, tools: Tools, onStderr: () => void): Promise<void> {
  const { cache, env, storeWaitMsMax } = tools;
  const { assignment, folder, abort } = attempt;
  const workspace = join(folder, WORKSPACE);
  const pin = (digest: Digest) => {
    if (attempt.pins.has(digest)) return;
    attempt.pins.add(digest);
    cache.pin(digest);
  };
  const code = await patiently(storeWaitMsMax, abort.signal, () => layOut(cache, assignment, workspace, pin));
  const busy = attempt.claim.gpuUuids.length > 0 && (await tools.devices?.free(attempt.claim.gpuUuids, abort.signal));
  abort.signal.throwIfAborted();
  await layOutSources(assignment, folder, tools, { pin, signal: abort.signal });
  if (busy) throw new DeviceBusy(busy);
  const { checkpoint } = assignment;
  if (checkpoint)
    await patiently(storeWaitMsMax, abort.signal, () => layOutCheckpoint(cache, checkpoint.from, folder, pin));
  unpinAll(attempt, cache);
  const { environment } = assignment;
  if (environment.kind === "none") return;
  onStderr();
  const kitchen = { cache, code, env, signal: abort.signal };
  const places = { folder, workspace, stderr: join(folder, STDERR) };
  attempt.environment = await patiently(storeWaitMsMax, abort.signal, () =>
    provideEnvironment(environment, tools, kitchen, places, (digest) => (attempt.environmentDigest = digest)),
  );
}

/** After a restart of the agent: what the attempt that still runs keeps from being evicted. */
export async function repin(attempt: Attempt, { shelf }: Tools): Promise<void> {
  if (attempt.assignment.environment.kind === "none") return;
  const inUse = await environmentInUse(shelf, attempt.folder);
  if (!inUse) return;
  attempt.environmentDigest = inUse.digest;
  attempt.environment = inUse;
}

export function unpinAll(attempt: Attempt, cache: Cache): void {
  for (const digest of attempt.pins) cache.unpin(digest);
  attempt.pins.clear();
  attempt.environment?.leave();
}

export function startRequest(attempt: Attempt, { env, trackingUrl }: Pick<Tools, "env" | "trackingUrl">): StartRequest {
  const { key, assignment, folder } = attempt;
  const { run } = assignment;
  const places = {
    workspace: join(folder, WORKSPACE),
    tmp: join(folder, TMP),
    result: join(folder, RESULT),
    checkpoint: join(folder, CHECKPOINT),
    tensorboard: join(folder, TENSORBOARD),
  };
  const argv = run.kind === "script" ? ["/bin/sh", "-eu", join(folder, SCRIPT)] : run.argv;
  const given = attempt.environment;
  const base = { ...(given?.container ? {} : env), ...trackingVariables(assignment, trackingUrl()) };
  const bare = { argv, env: variables(assignment, base, places, given ?? undefined) };
  const start = given?.container && containerStart(given.container, assignment, argv, folder, env, bare.env);
  return {
    kind: "start",
    key,
    folder,
    argv: start?.argv ?? bare.argv,
    env: start?.env ?? bare.env,
    ...(start && given.container && { container: { engine: given.container.engine.program, name: start.name } }),
    timeoutMs: assignment.timeoutMs,
    graceMs: assignment.stopGraceMs,
    memoryBytes: assignment.resources.memoryBytes,
  };
}

/** The report on an attempt that was never started. */
export function unstartedReport(attempt: Attempt, verdict: Verdict): EndedReport {
  return report(attempt, recordUnstarted(null, null), verdict, []);
}

/** The end of one whose exit status is gone. */
export function lostWithRunner({ startedAtMs }: Attempt): ExitRecord {
  return { ...recordUnstarted("runner-lost", null), startedAtMs };
}

/** Stores the outputs of one that succeeded, and says how it went; no promise when there was nothing to wait for. */
export function conclude(attempt: Attempt, exit: ExitRecord, tools: Tools): EndedReport | Promise<EndedReport> {
  const { assignment, folder } = attempt;
  if (exit.exitCode === 0 && exit.stopped === null) {
    const verdict = judge(exit, assignment, { stderrLine: "", diskBytesFree: undefined, folder });
    if (assignment.outputs.length === 0 && !existsSync(join(folder, RESULT))) return report(attempt, exit, verdict, []);
    return collect(attempt, exit, verdict, tools);
  }
  return lastLine(join(folder, STDERR)).then((stderrLine) => {
    const around: Surroundings = { stderrLine, diskBytesFree: bytesFree(folder), folder };
    return keep(attempt, exit, withProbe(attempt, exit, judge(exit, assignment, around)), tools);
  });
}

/** What the probe said is known here alone. */
function withProbe({ unhealthy }: Attempt, exit: ExitRecord, verdict: Verdict): Verdict {
  if (exit.stopped !== "unhealthy" || unhealthy === "") return verdict;
  return { ...verdict, message: `${verdict.message}: ${unhealthy}` };
}

/** What is kept of one that did not succeed: its checkpoint, and the outputs that are there, where that was asked for. */
async function keep(attempt: Attempt, exit: ExitRecord, verdict: Verdict, tools: Tools): Promise<EndedReport> {
  const { checkpoint, keepOutputs } = attempt.assignment;
  const began = exit.startedAtMs !== null;
  // One that is lost makes way: it runs again elsewhere, and the outputs will be those of its last attempt.
  const ended =
    keepOutputs && began && verdict.outcome.kind !== "lost"
      ? await keepThoseThere(attempt, exit, verdict, tools)
      : report(attempt, exit, verdict, []);
  return checkpoint && began ? keepCheckpoint(attempt, ended, tools) : ended;
}

/** That they cannot be stored changes nothing of how it ended. */
async function keepThoseThere(
  attempt: Attempt,
  exit: ExitRecord,
  verdict: Verdict,
  tools: Tools,
): Promise<EndedReport> {
  try {
    const store = () => storeOutputs(tools.artifacts, attempt.assignment, attempt.folder, "those there");
    const outputs = await patiently(tools.storeWaitMsMax, attempt.abort.signal, store, ["unavailable", "disk_full"]);
    return report(attempt, exit, verdict, outputs);
  } catch (error) {
    const message = `${verdict.message}; its outputs could not be kept: ${describeError(error)}`;
    return report(attempt, exit, { ...verdict, message }, []);
  }
}

/** The next attempt goes on from there. One that cannot be kept costs the work since the last, and is told. */
async function keepCheckpoint(attempt: Attempt, ended: EndedReport, tools: Tools): Promise<EndedReport> {
  try {
    // Not `abort`'s signal: it was stopped, and this is what its stop is to save.
    const store = () => storeCheckpoint(tools.artifacts, attempt.folder, { finishedOnly });
    const finishedOnly = attempt.assignment.checkpoint?.everyMs !== undefined;
    const never = new AbortController().signal;
    const checkpoint = await patiently(tools.storeWaitMsMax, never, store, ["unavailable", "disk_full"]);
    return checkpoint ? { ...ended, checkpoint } : ended;
  } catch (error) {
    return { ...ended, message: `${ended.message}; its checkpoint could not be kept: ${describeError(error)}` };
  }
}

async function collect(attempt: Attempt, exit: ExitRecord, verdict: Verdict, tools: Tools): Promise<EndedReport> {
  const { signal } = attempt.abort;
  try {
    // A store that is full may be given room; the work behind these outputs took longer than that.
    const store = () => storeOutputs(tools.artifacts, attempt.assignment, attempt.folder);
    const outputs = await patiently(tools.storeWaitMsMax, signal, store, ["unavailable", "disk_full"]);
    const found = await resultOf(attempt.folder);
    if (!found) return report(attempt, exit, verdict, outputs);
    if (found.ok) return { ...report(attempt, exit, verdict, outputs), result: found.result };
    const message = [verdict.message, found.message].filter((text) => text !== "").join("; ");
    return report(attempt, exit, { ...verdict, message }, outputs);
  } catch (error) {
    return report(attempt, exit, explainCollection(attempt, exit, error), []);
  }
}

function report(attempt: Attempt, exit: ExitRecord, verdict: Verdict, outputs: readonly OutputRef[]): EndedReport {
  return {
    kind: "ended",
    key: attempt.key,
    ...verdict,
    startedAtMs: exit.startedAtMs,
    endedAtMs: exit.endedAtMs,
    exitCode: exit.exitCode,
    signal: exit.signal,
    usage: exit.usage,
    outputs,
    ...readsOf(attempt.assignment, attempt.folder),
    environmentDigest: attempt.environmentDigest,
    logBytes: logBytes(attempt),
  };
}

/** Something is on a device that the attempt was given, and does not go. */
class DeviceBusy extends Error {}

function explainPreparation(attempt: Attempt, error: unknown): Verdict {
  if (error instanceof DeviceBusy) return lost("gpu-busy", error.message);
  const common = explain(attempt, error);
  if (common) return common;
  if (error instanceof OutsideError) return failed("input-missing", error.message);
  if (error instanceof EnvironmentError) return failed("environment-failed", error.message);
  if (error instanceof WeftError && ["not_found", "corrupt", "invalid"].includes(error.code)) {
    return failed("input-missing", `code or inputs cannot be laid out: ${describeError(error)}`);
  }
  return lost("node-stopped", `the node could not make the workspace in ${attempt.folder}: ${describeError(error)}`);
}

function explainCollection(attempt: Attempt, exit: ExitRecord, error: unknown): Verdict {
  const common = explain(attempt, error, exit);
  if (common) return common;
  if (error instanceof OutputError || (error instanceof WeftError && error.code === "invalid")) {
    return failed("missing-output", error.message);
  }
  return lost("store-unreachable", `outputs could not be stored: ${describeError(error)}`);
}

function explain(attempt: Attempt, error: unknown, exit?: ExitRecord): Verdict | undefined {
  if (error instanceof AttemptStopped && attempt.stop) {
    return judgeStop(
      { outOfMemory: null, usage: exit?.usage ?? { peakMemoryBytes: 0 } },
      attempt.stop.reason,
      attempt.assignment,
    );
  }
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return diskFull({ folder: attempt.folder, diskBytesFree: bytesFree(attempt.folder) });
  if (!(error instanceof WeftError)) return undefined;
  if (error.code === "disk_full") return lost("disk-full", describeError(error));
  if (error.code === "unavailable") return lost("store-unreachable", describeError(error));
  return undefined;
}

function logBytes({ folder }: Attempt): EndedReport["logBytes"] {
  return { stdout: fileBytes(join(folder, STDOUT)), stderr: fileBytes(join(folder, STDERR)) };
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function bytesFree(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

async function lastLine(path: string): Promise<string> {
  try {
    // The task may have put a pipe there, which would never answer, or a link.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(TAIL_BYTES),
        0,
        TAIL_BYTES,
        Math.max(0, size - TAIL_BYTES),
      );
      return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").at(-1)!.trim();
    } finally {
      await file.close();
    }
  } catch {
    return "";
  }
}
