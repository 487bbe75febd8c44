import { get } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Probe, ProbeCheck, ServiceSpec } from "../lib/core/pipeline/service.ts";
import { formatDuration } from "../lib/core/pipeline/units.ts";
import { observe, UNKNOWN } from "./core/health.ts";
import type { VisitedNotice } from "./runner/protocol.ts";

/** Where a program that listens on 127.0.0.1 or ::1 answers. */
const HOST = "localhost";
const WELL_STATUS_MAX = 399;

export interface ProberOptions {
  readonly service: ServiceSpec;
  /** Runs a command in the attempt's environment. */
  readonly run: (argv: readonly string[], timeoutMs: number) => Promise<VisitedNotice>;
  /** Told whenever it changes, and once when it does not become so. `message`: what the last probe said. */
  readonly onReady: (ready: boolean, message: string) => void;
  /** Told once; nothing is asked any more. */
  readonly onUnhealthy: (message: string) => void;
}

/** Asks a service that runs, time and again, whether it is ready and alive. */
export class Prober {
  readonly #options: ProberOptions;
  readonly #stopping = new AbortController();
  #asksIfAlive = false;

  constructor(options: ProberOptions) {
    this.#options = options;
    const { readiness } = options.service;
    if (readiness) void this.#watchReadiness(readiness);
    else this.#ready(true, "");
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #watchReadiness(probe: Probe): Promise<void> {
    await this.#watch(probe, (well, message) => {
      this.#ready(well, message);
      return true;
    });
  }

  async #watchLiveness(probe: Probe): Promise<void> {
    await this.#watch(probe, (well, message) => {
      if (!well) this.#options.onUnhealthy(message);
      return well;
    });
  }

  #ready(ready: boolean, message: string): void {
    this.#options.onReady(ready, message);
    const { liveness } = this.#options.service;
    if (!ready || !liveness || this.#asksIfAlive) return;
    // Before, it may still be starting: whether that takes too long is no question of life.
    this.#asksIfAlive = true;
    void this.#watchLiveness(liveness);
  }

  /** Asks each period, until `onTurn` gives false. */
  async #watch(probe: Probe, onTurn: (well: boolean, message: string) => boolean): Promise<void> {
    const { signal } = this.#stopping;
    let health = UNKNOWN;
    let told: string | null = null;
    while (!signal.aborted) {
      const problem = await this.#ask(probe);
      if (signal.aborted) return;
      const before = health.well;
      health = observe(health, problem === null, probe.failures);
      // What keeps it from being well may change: it refused, and now it answers with an error.
      const turned = health.well !== before || (health.well === false && problem !== told);
      if (health.well !== null && turned) {
        told = problem;
        const many = health.failures > 1 ? `${health.failures} times in a row, ` : "";
        if (!onTurn(health.well, problem === null ? "" : `${many}${problem}`)) return;
      }
      await delay(probe.periodMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Null: it is well. Else what was wrong, for people. */
  async #ask({ check, timeoutMs }: Probe): Promise<string | null> {
    switch (check.kind) {
      case "http":
        return askHttp(check, timeoutMs, this.#stopping.signal);
      case "tcp":
        return askTcp(check, timeoutMs);
      case "command": {
        const { exitCode, signal, error } = await this.#options.run(check.argv, timeoutMs);
        if (exitCode === 0) return null;
        return `${check.argv.join(" ").slice(0, 80)}: ${error ?? (signal === null ? `exit code ${exitCode}` : `ended by ${signal}`)}`;
      }
    }
  }
}

function askHttp(
  { path, port }: ProbeCheck & { kind: "http" },
  timeoutMs: number,
  stopping: AbortSignal,
): Promise<string | null> {
  const what = `GET ${path} on port ${port}`;
  const late = AbortSignal.timeout(timeoutMs);
  return new Promise((resolve) => {
    const request = get(
      { host: HOST, port, path, agent: false, signal: AbortSignal.any([late, stopping]) },
      (answer) => {
        const { statusCode = 0 } = answer;
        answer.on("error", () => {});
        answer.destroy();
        resolve(statusCode >= 200 && statusCode <= WELL_STATUS_MAX ? null : `${what}: ${statusCode}`);
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve(`${what}: ${late.aborted ? noAnswer(timeoutMs) : (error.code ?? error.message)}`),
    );
  });
}

function askTcp({ port }: ProbeCheck & { kind: "tcp" }, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port, timeout: timeoutMs });
    const end = (problem: string | null): void => {
      socket.destroy();
      resolve(problem === null ? null : `port ${port}: ${problem}`);
    };
    socket.once("connect", () => end(null));
    socket.once("timeout", () => end(noAnswer(timeoutMs)));
    socket.once("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function noAnswer(timeoutMs: number): string {
  return `no answer within ${formatDuration(timeoutMs)}`;
}
