import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ArtifactClient } from "../../lib/artifacts.ts";
import type { Assignment, EndedReport, Report, StartedReport } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type JobId } from "../../lib/core/ids.ts";
import { silentLog } from "../../lib/log.ts";
import { createWorker, type Spool, type Worker, type WorkerOptions } from "../../worker/index.ts";
import { readRunnerRecord } from "../../worker/runner/door.ts";
import { buildWorker, type BuiltWorker } from "./runner.ts";
import { until } from "./wait.ts";

/** For attempts that need nothing from the store: whoever asks it anyway hears of it. */
const noStore = new Proxy({} as ArtifactClient, {
  get: (_, name) => () => Promise.reject(new Error(`the store was asked for ${String(name)}`)),
});

let built: BuiltWorker | undefined;
let assignments = 0;

export function builtWorker(): BuiltWorker {
  built ??= buildWorker();
  return built;
}

/** After the last test of a file. */
export function removeBuilt(): void {
  if (built) rmSync(built.folder, { recursive: true });
  built = undefined;
}

/** An assignment of a job of its own. A string is a script, a list a command. */
export function assignment(run: string | readonly string[], parts: Partial<Assignment> = {}): Assignment {
  assignments += 1;
  return {
    ref: { job: `j${process.pid}x${assignments}` as JobId, task: "t", index: 0, attempt: 1 },
    pipeline: "test",
    run: typeof run === "string" ? { kind: "script", script: run } : { kind: "command", argv: run },
    env: {},
    code: null,
    files: [],
    inputs: [],
    outputs: [],
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    gpuUuids: [],
    timeoutMs: 0,
    gpuMemoryBytes: 0,
    gang: null,
    checkpoint: null,
    stopGraceMs: 5000,
    priority: 0,
    environment: { kind: "none" },
    ...parts,
  };
}

/** Resources with this memory limit, in MiB. */
export function limited(mebibytes: number) {
  return { resources: { cpuMillis: 1000, memoryBytes: mebibytes * 2 ** 20, diskBytes: 0, gpuMillis: 0, gpu: null } };
}

export const keyOf = (of: Assignment): AttemptKey => attemptKey(of.ref);

/** A worker with a folder and a runner of its own, and all it has reported. */
export class WorkerBench {
  readonly dir: string;
  readonly reports: Report[] = [];
  readonly spools = new Map<AttemptKey, Spool>();
  readonly #options: Partial<WorkerOptions>;
  #worker: Worker | undefined;
  #listeners: (() => void)[] = [];

  constructor(options: Partial<WorkerOptions> = {}) {
    this.dir = options.dir ?? realpathSync(mkdtempSync(join(tmpdir(), "weft-worker-")));
    this.#options = options;
  }

  static async open(options: Partial<WorkerOptions> = {}): Promise<WorkerBench> {
    const bench = new WorkerBench(options);
    await bench.reopen();
    return bench;
  }

  get worker(): Worker {
    return this.#worker!;
  }

  /** Undefined: none runs. */
  get runnerPid(): number | undefined {
    const record = readRunnerRecord(this.dir);
    return record && isAlive(record.pid) ? record.pid : undefined;
  }

  /** Another worker in the folder, as after a restart of the agent; `recover` is up to the test. */
  async reopen(): Promise<Worker> {
    this.#worker = await createWorker({
      capacity: () => ({ cpuMillis: 8000, memoryBytes: 2 ** 33, gpuUuids: [] }),
      artifacts: noStore,
      log: silentLog(),
      runnerProgram: builtWorker().program,
      onReport: (report) => {
        this.reports.push(report);
        for (const listener of this.#listeners.splice(0)) listener();
      },
      onSpool: (key, spool) => void this.spools.set(key, spool),
      ...this.#options,
      dir: this.dir,
    });
    return this.#worker;
  }

  start(...args: Parameters<typeof assignment>): AttemptKey {
    const made = assignment(...args);
    this.worker.start(made);
    return keyOf(made);
  }

  started(key: AttemptKey): Promise<StartedReport> {
    return this.#report(key, "started") as Promise<StartedReport>;
  }

  ended(key: AttemptKey): Promise<EndedReport> {
    return this.#report(key, "ended") as Promise<EndedReport>;
  }

  run(...args: Parameters<typeof assignment>): Promise<EndedReport> {
    return this.ended(this.start(...args));
  }

  stdout(key: AttemptKey): string {
    return readFileSync(join(this.dir, "attempts", key, "stdout"), "utf8");
  }

  stderr(key: AttemptKey): string {
    return readFileSync(join(this.dir, "attempts", key, "stderr"), "utf8");
  }

  /** Waits until a line that begins with `prefix` was printed, and gives the rest of it. */
  async line(key: AttemptKey, prefix: string): Promise<string> {
    const match = await until(() => new RegExp(`^${prefix}(.*)\n`, "m").exec(this.stdout(key)), `a line "${prefix}…"`);
    return match[1]!;
  }

  /** Ends everything; nothing may be left. */
  async close(): Promise<void> {
    await this.#worker?.close({ stopAttempts: true });
    await rm(this.dir, { recursive: true, force: true });
  }

  async #report(key: AttemptKey, kind: "started" | "ended"): Promise<Report> {
    for (;;) {
      const found = this.reports.findLast((report) => report.key === key && report.kind === kind);
      if (found) return found;
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
