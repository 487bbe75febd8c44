import type { Probe as ProbeProto } from "../../../proto/gen/weft/v1/Probe.ts";
import type { ServiceSpec as ServiceProto, ServiceSpec__Output } from "../../../proto/gen/weft/v1/ServiceSpec.ts";
import type { Probe__Output } from "../../../proto/gen/weft/v1/Probe.ts";
import { formatDuration } from "../../../proto/units.ts";
import type { Issue } from "../error.ts";
import { LIMITS } from "./limits.ts";
import { hint } from "./nearest.ts";
import type { PipelineSpec, TaskSpec } from "./spec.ts";

/**
 *   always     whenever its process has ended
 *   onFailure  when it ended otherwise than with exit code 0
 *   never
 */
export const RESTART = ["always", "onFailure", "never"] as const;
export type Restart = (typeof RESTART)[number];

/** What is asked of a service on its machine, from outside of its process. */
export type ProbeCheck =
  /** GET on the machine's loopback; 200 to 399 is well. */
  | { readonly kind: "http"; readonly path: string; readonly port: number }
  | { readonly kind: "tcp"; readonly port: number }
  /** In the attempt's environment; exit code 0 is well. */
  | { readonly kind: "command"; readonly argv: readonly string[] };

export interface Probe {
  readonly check: ProbeCheck;
  readonly periodMs: number;
  readonly timeoutMs: number;
  /** In a row, before what was well is not. */
  readonly failures: number;
}

/** A task that runs until nobody needs it. Canonical: every default is filled in. */
export interface ServiceSpec {
  /** Where it listens; null: it does not say. */
  readonly port: number | null;
  /** Null: it is ready when its process has started. */
  readonly readiness: Probe | null;
  /** From its first readiness on. Null: it lives as long as its process. */
  readonly liveness: Probe | null;
  readonly restart: Restart;
  /** Before the first restart; doubles with each one up to the most. */
  readonly backoffMs: number;
  readonly backoffMsMax: number;
}

export const PROBE_DEFAULTS = { periodMs: 2_000, timeoutMs: 1_000, failures: 3 } as const;
export const SERVICE_DEFAULTS = {
  restart: "onFailure",
  backoffMs: 1_000,
  /** As long as a retry waits at most. */
  backoffMsMax: 300_000,
} as const;

const PROBE_PERIOD_MS_MIN = 100;
const PROBE_MS_MAX = 3_600_000;
const PROBE_FAILURES_MAX = 1_000;
const PORT_MAX = 65_535;

const said = (value: number): number | null => (value === 0 ? null : value);

/** In the message 0 and "" mean "not said". */
export function serviceFromProto(task: string, service: ServiceSpec__Output, issues: Issue[]): ServiceSpec {
  const path = ["tasks", task, "service"];
  const port = said(service.port);
  const restart = RESTART.find((each) => each === service.restart);
  if (!restart && service.restart !== "")
    issues.push({
      path: [...path, "restart"],
      message: `"${service.restart}" is no restart policy${hint(service.restart, RESTART)}`,
    });
  const backoffMs = said(service.backoffMs) ?? SERVICE_DEFAULTS.backoffMs;
  return {
    port,
    readiness: service.readiness && probeFromProto([...path, "readiness"], service.readiness, port, issues),
    liveness: service.liveness && probeFromProto([...path, "liveness"], service.liveness, port, issues),
    restart: restart ?? SERVICE_DEFAULTS.restart,
    backoffMs,
    backoffMsMax: said(service.maxBackoffMs) ?? Math.max(SERVICE_DEFAULTS.backoffMsMax, backoffMs),
  };
}

function probeFromProto(path: readonly string[], probe: Probe__Output, port: number | null, issues: Issue[]): Probe {
  const ways = [probe.http !== "", probe.tcp, probe.command.length > 0].filter(Boolean).length;
  if (ways !== 1) issues.push({ path, message: ONE_WAY });
  const at = said(probe.port) ?? port ?? 0;
  return {
    check:
      probe.command.length > 0
        ? { kind: "command", argv: probe.command }
        : probe.http === ""
          ? { kind: "tcp", port: at }
          : { kind: "http", path: probe.http, port: at },
    periodMs: said(probe.periodMs) ?? PROBE_DEFAULTS.periodMs,
    timeoutMs: said(probe.timeoutMs) ?? PROBE_DEFAULTS.timeoutMs,
    failures: said(probe.failures) ?? PROBE_DEFAULTS.failures,
  };
}

export const ONE_WAY = "a probe asks in one way; give one of http (a path), tcp and command";

export function serviceToProto(service: ServiceSpec): ServiceProto {
  return {
    port: service.port ?? 0,
    readiness: service.readiness && probeToProto(service.readiness),
    liveness: service.liveness && probeToProto(service.liveness),
    restart: service.restart,
    backoffMs: service.backoffMs,
    maxBackoffMs: service.backoffMsMax,
  };
}

function probeToProto({ check, periodMs, timeoutMs, failures }: Probe): ProbeProto {
  const times = { periodMs, timeoutMs, failures };
  switch (check.kind) {
    case "http":
      return { ...times, http: check.path, port: check.port };
    case "tcp":
      return { ...times, tcp: true, port: check.port };
    case "command":
      return { ...times, command: [...check.argv] };
  }
}

type Add = (path: readonly (string | number)[], message: string) => void;

export function checkService(task: TaskSpec, add: Add): void {
  const { service } = task;
  if (!service) return;
  const { port, backoffMs, backoffMsMax } = service;
  if (port !== null && !isPort(port)) add(["service", "port"], `${port} is no port; 1 to ${PORT_MAX} would be right`);
  if (task.flow.approve) add(["service"], "a task that waits for an approval runs nothing; leave out one of the two");
  if (task.nodes > 1) add(["service"], "a service runs on one node; leave out nodes, or map it for several");
  if (task.retries.limit > 0)
    add(["retries"], "a service is restarted by its restart policy; leave out retries, or give service.restart");
  if (
    !(backoffMs >= 1 && backoffMs <= LIMITS.backoffMs && backoffMsMax >= backoffMs && backoffMsMax <= LIMITS.backoffMs)
  ) {
    const range = `1ms to ${formatDuration(LIMITS.backoffMs)}, the longest no shorter than the first`;
    add(["service", "backoff"], `a backoff of ${backoffMs}ms to ${backoffMsMax}ms; ${range}, would be right`);
  }
  checkProbe(service.readiness, ["service", "readiness"], add);
  checkProbe(service.liveness, ["service", "liveness"], add);
}

function checkProbe(probe: Probe | null, path: readonly string[], add: Add): void {
  if (!probe) return;
  const { check, periodMs, timeoutMs, failures } = probe;
  if (check.kind !== "command" && check.port === 0)
    add(path, "does not say which port to ask; give service.port, or a port of its own");
  else if (check.kind !== "command" && !isPort(check.port))
    add(path, `${check.port} is no port; 1 to ${PORT_MAX} would be right`);
  if (check.kind === "http" && !/^\/[!-~]*$/.test(check.path))
    add([...path, "http"], `"${check.path}" is no path; write one like "/healthz"`);
  if (check.kind === "command" && check.argv[0] === "") add([...path, "command"], "the program has an empty name");
  if (!(periodMs >= PROBE_PERIOD_MS_MIN && periodMs <= PROBE_MS_MAX))
    add([...path, "period"], `a period of ${periodMs}ms; ${PROBE_PERIOD_MS_MIN}ms to 1h would be right`);
  if (!(timeoutMs >= 1 && timeoutMs <= PROBE_MS_MAX))
    add([...path, "timeout"], `a timeout of ${timeoutMs}ms; 1ms to 1h would be right`);
  if (!(Number.isInteger(failures) && failures >= 1 && failures <= PROBE_FAILURES_MAX))
    add([...path, "failures"], `${failures} failures; a whole number from 1 to ${PROBE_FAILURES_MAX} would be right`);
}

/** What a task may ask of a service before it: that it is ready, and nothing that comes with its end. */
export function checkServiceEdges(task: TaskSpec, tasks: ReadonlyMap<string, TaskSpec>, add: Add): void {
  for (const [name, input] of Object.entries(task.inputs)) {
    if (!tasks.get(input.task)?.service) continue;
    add(
      ["inputs", name],
      `input "${name}" is an output of service "${input.task}", which has none before the job ends`,
    );
  }
  const service = task.needs.find((need) => tasks.get(need)?.service);
  if (service !== undefined && task.flow.when !== "succeeded")
    add(["when"], `runs when ${task.flow.when}, and needs service "${service}", which ends only with the job`);
}

/** Whether the job ends when these are the only tasks left: one of services alone runs until it is cancelled. */
export function hasWorkBesideServices({ tasks }: PipelineSpec): boolean {
  return tasks.some(({ service }) => !service);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}
