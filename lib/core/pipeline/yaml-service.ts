import { isScalar, isSeq, type Node } from "yaml";
import { hint } from "./nearest.ts";
import {
  ONE_WAY,
  type Probe,
  PROBE_DEFAULTS,
  type ProbeCheck,
  RESTART,
  type Restart,
  SERVICE_DEFAULTS,
  type ServiceSpec,
} from "./service.ts";
import type { Entry, NodeReader } from "./yaml-node.ts";
import { offsetOfValue, readAbove0, readNumber } from "./yaml-value.ts";

const SERVICE_KEYS = ["port", "readiness", "liveness", "restart", "backoff", "maxBackoff"] as const;
const PROBE_KEYS = ["http", "tcp", "command", "port", "period", "timeout", "failures"] as const;
const NONE: ReadonlySet<string> = new Set();

/** `service: { port: 8080, readiness: { http: /healthz }, restart: always }`. */
export function readService(reader: NodeReader, entry: Entry): ServiceSpec | undefined {
  const entries = reader.entries(entry.value, entry.path, '"service"', entry.offset);
  if (!entries) return undefined;
  const find = (name: (typeof SERVICE_KEYS)[number]): Entry | undefined => entries.find((each) => each.name === name);
  for (const item of entries)
    if (!(SERVICE_KEYS as readonly string[]).includes(item.name))
      reader.unknownKey(item, '"service"', SERVICE_KEYS, NONE);
  const number = (item: Entry | undefined): number | undefined => item && readNumber(reader, item);
  const time = (item: Entry | undefined): number | undefined => item && readAbove0(reader, item, "the shortest is 1ms");
  const port = number(find("port")) ?? null;
  const backoffMs = time(find("backoff")) ?? SERVICE_DEFAULTS.backoffMs;
  const [readiness, liveness, restart] = [find("readiness"), find("liveness"), find("restart")];
  return {
    port,
    readiness: (readiness && readProbe(reader, readiness, port)) ?? null,
    liveness: (liveness && readProbe(reader, liveness, port)) ?? null,
    restart: (restart && readRestart(reader, restart)) ?? SERVICE_DEFAULTS.restart,
    backoffMs,
    backoffMsMax: time(find("maxBackoff")) ?? Math.max(SERVICE_DEFAULTS.backoffMsMax, backoffMs),
  };
}

function readRestart(reader: NodeReader, entry: Entry): Restart | undefined {
  const right = `${RESTART.join(", ")} would be right`;
  const text = reader.text(entry.value, entry.path, entry.offset, '"restart"', right);
  if (text === undefined) return undefined;
  const known = RESTART.find((each) => each === text);
  return (
    known ?? reader.issue(offsetOfValue(entry), entry.path, `"${text}" is no restart policy${hint(text, RESTART)}`)
  );
}

function readProbe(reader: NodeReader, entry: Entry, servicePort: number | null): Probe | undefined {
  const entries = reader.entries(entry.value, entry.path, `"${entry.name}"`, entry.offset);
  if (!entries) return undefined;
  let { periodMs, timeoutMs, failures }: { periodMs: number; timeoutMs: number; failures: number } = PROBE_DEFAULTS;
  let port = servicePort ?? 0;
  const checks: ((port: number) => ProbeCheck)[] = [];
  for (const item of entries) {
    switch (item.name as (typeof PROBE_KEYS)[number]) {
      case "http": {
        const path = reader.text(item.value, item.path, item.offset, '"http"', 'a path like "/healthz" would be right');
        checks.push((at) => ({ kind: "http", path: path ?? "/", port: at }));
        break;
      }
      case "tcp": {
        // `tcp: 5432`, or `tcp: true` for the service's own port.
        const value = reader.scalar(item.value, item.path, item.offset, '"tcp"');
        if (typeof value === "number") port = value;
        else if (value !== true)
          reader.issue(
            offsetOfValue(item),
            item.path,
            `"tcp" is ${JSON.stringify(value)}; a port, or true for the service's own, would be right`,
          );
        checks.push((at) => ({ kind: "tcp", port: at }));
        break;
      }
      case "command": {
        const argv = readCommand(reader, item);
        checks.push(() => ({ kind: "command", argv }));
        break;
      }
      case "port":
        port = readNumber(reader, item) ?? port;
        break;
      case "period":
        periodMs = readAbove0(reader, item, "the shortest is 100ms") ?? periodMs;
        break;
      case "timeout":
        timeoutMs = readAbove0(reader, item, "the shortest is 1ms") ?? timeoutMs;
        break;
      case "failures":
        failures = readNumber(reader, item) ?? failures;
        break;
      default:
        reader.unknownKey(item, `"${entry.name}"`, PROBE_KEYS, NONE);
    }
  }
  if (checks.length !== 1) return reader.issue(entry.offset, entry.path, `"${entry.name}": ${ONE_WAY}`);
  return { check: checks[0]!(port), periodMs, timeoutMs, failures };
}

/** A list of arguments, or a line for `sh`. */
function readCommand(reader: NodeReader, entry: Entry): string[] {
  const node = reader.resolve(entry.value);
  const right = "a line for the shell, or a list of arguments, would be right";
  if (isSeq(node))
    return (node.items as Node[]).map(
      (item, i) => reader.text(item, [...entry.path, i], entry.offset, `argument ${i + 1}`, right) ?? "?",
    );
  const line = isScalar(node) ? reader.text(node, entry.path, entry.offset, '"command"', right) : undefined;
  if (line === undefined && !isScalar(node)) reader.issue(entry.offset, entry.path, `"command" has no value; ${right}`);
  return ["/bin/sh", "-c", line ?? ":"];
}
