import { z } from "zod";
import {
  type ArchivedReport,
  type EndedRangeReport,
  FAILURE_REASONS,
  LOSS_REASONS,
  type Report,
  type ReportMessage,
  STOP_REASONS,
} from "../lib/core/dispatch.ts";
import { type AttemptKey, type Digest, isDigest, NAME, type NodeId, parseAttemptKey } from "../lib/core/ids.ts";
import type { Json } from "../lib/core/json.ts";
import { isShallow, RESULT_DEPTH_MAX } from "../lib/core/result.ts";
import type { Event } from "./core/index.ts";

/** A node sends what gathered while the last message was acknowledged; more than this in one is not ours. */
const REPORTS_PER_MESSAGE_MAX = 10_000;

const key = z.custom<AttemptKey>((value) => typeof value === "string" && parseAttemptKey(value) !== undefined);
const digest = z.custom<Digest>((value) => typeof value === "string" && isDigest(value));
const count = z.number().nonnegative();

const source = z.enum(["cgroup", "sampled", "none"]);

/** Not element by element, which costs more than all else about a range. */
const counts = z.custom<number[]>(
  (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= REPORTS_PER_MESSAGE_MAX &&
    value.every((one) => typeof one === "number" && one >= 0),
);

const taskNames = z.custom<string[]>(
  (value) => Array.isArray(value) && value.every((one) => typeof one === "string" && NAME.test(one)),
);

const outcome = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("succeeded") }),
  z.object({ kind: z.literal("failed"), reason: z.enum(FAILURE_REASONS) }),
  z.object({ kind: z.literal("lost"), reason: z.enum(LOSS_REASONS) }),
  z.object({ kind: z.literal("stopped"), reason: z.enum(STOP_REASONS) }),
]);

const output = z.object({
  name: z.string(),
  fileName: z.string(),
  digest,
  kind: z.enum(["file", "tree"]),
  bytes: count.int(),
});

const read = z.object({
  name: z.string(),
  uri: z.string(),
  version: z.string(),
  fileName: z.string(),
  digest,
  kind: z.enum(["file", "tree"]),
  bytes: count.int(),
  kept: z.boolean(),
});

const artifact = z.object({ digest, kind: z.enum(["file", "tree"]), bytes: count.int() });
const handedIn = artifact.extend({ round: count.int().exactOptional() });

/** Of any shape; how deep and how large it may be the node has seen to, and is seen to again. */
const result = z.custom<Json>((value) => isShallow(value as Json, RESULT_DEPTH_MAX));

const report = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("started"), key, atMs: count }),
  z.object({ kind: z.literal("ready"), key, atMs: count, ready: z.boolean(), message: z.string() }),
  z.object({ kind: z.literal("checkpoint"), key, atMs: count, checkpoint: handedIn }),
  z.object({
    kind: z.literal("ended"),
    key,
    outcome,
    message: z.string(),
    startedAtMs: count.nullable(),
    endedAtMs: count,
    exitCode: z.number().int().nullable(),
    signal: z.string().nullable(),
    usage: z.object({ cpuMs: count, peakMemoryBytes: count, source }),
    outputs: z.array(output),
    result: result.optional(),
    reads: z.array(read).exactOptional(),
    checkpoint: handedIn.exactOptional(),
    environmentDigest: digest.nullable(),
    logBytes: z.object({ stdout: count.int(), stderr: count.int() }),
  }),
  z
    .object({
      kind: z.literal("endedRange"),
      key,
      tasks: taskNames.exactOptional(),
      startedAtMs: counts,
      endedAtMs: counts,
      cpuMs: counts,
      peakMemoryBytes: counts,
      usageSource: source,
      environmentDigest: digest.nullable(),
    })
    .refine(isEven, "its lists differ in length"),
  z.object({ kind: z.literal("archived"), key, stdout: digest.nullable(), stderr: digest.nullable() }),
  z.object({ kind: z.literal("unknown"), key }),
]);

function isEven({ startedAtMs, endedAtMs, cpuMs, peakMemoryBytes, tasks }: EndedRangeReport): boolean {
  return [endedAtMs, cpuMs, peakMemoryBytes, ...(tasks ? [tasks] : [])].every(
    ({ length }) => length === startedAtMs.length,
  );
}

const message = z.object({
  node: z.custom<NodeId>((value) => typeof value === "string" && value !== ""),
  reports: z.array(report).max(REPORTS_PER_MESSAGE_MAX),
});

/** Undefined, with why, when it is no report of ours. */
export function decodeReports(data: Uint8Array): { message: ReportMessage } | { fault: string } {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    return { fault: `not JSON: ${(error as Error).message}` };
  }
  const parsed = message.safeParse(value);
  return parsed.success ? { message: parsed.data } : { fault: z.prettifyError(parsed.error) };
}

/** What the scheduler's core learns from a report. */
export function reportEvent(node: NodeId, told: Exclude<Report, ArchivedReport> | EndedRangeReport): Event {
  switch (told.kind) {
    case "endedRange":
      return { kind: "rangeEnded", node, report: told };
    case "started":
      return { kind: "attemptStarted", node, key: told.key, atMs: told.atMs };
    case "ready":
      return { kind: "attemptReady", node, report: told };
    case "checkpoint":
      return { kind: "attemptCheckpointed", node, report: told };
    case "ended":
      return { kind: "attemptEnded", node, report: told };
    case "unknown":
      return { kind: "attemptUnknown", node, key: told.key };
  }
}
