import type { Execution__Output } from "../proto/gen/weft/v1/Execution.ts";
import type { LineageResponse__Output } from "../proto/gen/weft/v1/LineageResponse.ts";
import type { Scalar } from "../proto/value.ts";
import { type Code, codeOf, dateOf, said, scalarsOf } from "./job.ts";

/** One attempt that has ended. */
export interface Execution {
  /** job.task.index.attempt */
  readonly id: string;
  readonly jobId: string;
  readonly task: string;
  readonly index: number;
  readonly attempt: number;
  readonly state: "succeeded" | "failed" | "cancelled" | "lost";
  readonly nodeId: string;
  readonly node: string;
  readonly gpuUuids: readonly string[];
  readonly code: Code | null;
  /** As it ran. */
  readonly command: string;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly map: Readonly<Record<string, Scalar>>;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly reason: string | null;
  readonly message: string;
  readonly cpuMs: number;
  readonly peakMemoryBytes: number;
  /** How the two were measured: cgroup, sampled or none. */
  readonly usageSource: string;
  readonly environmentDigest: string | null;
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
}

export interface Artifact {
  readonly digest: string;
  readonly kind: "file" | "tree";
  readonly bytes: number;
  /** Execution that made it first; null: submitted code. */
  readonly producer: string | null;
}

export interface Edge {
  readonly execution: string;
  readonly digest: string;
  readonly direction: "input" | "output";
  readonly name: string;
}

export interface Lineage {
  readonly executions: readonly Execution[];
  readonly artifacts: readonly Artifact[];
  readonly edges: readonly Edge[];
}

/** Puts the parts of an answer together. */
export function lineageOf(parts: readonly LineageResponse__Output[]): Lineage {
  return {
    executions: parts.flatMap((part) => part.executions.map(executionOf)),
    artifacts: parts
      .flatMap((part) => part.artifacts)
      .map((artifact) => ({
        digest: artifact.digest,
        kind: artifact.kind as Artifact["kind"],
        bytes: artifact.bytes,
        producer: said(artifact.producer),
      })),
    edges: parts
      .flatMap((part) => part.edges)
      .map((edge) => ({ ...edge, direction: edge.direction as Edge["direction"] })),
  };
}

function executionOf(execution: Execution__Output): Execution {
  return {
    id: execution.id,
    jobId: execution.jobId,
    task: execution.task,
    index: execution.index,
    attempt: execution.attempt,
    state: execution.state as Execution["state"],
    nodeId: execution.nodeId,
    node: execution.node,
    gpuUuids: execution.gpuUuids,
    code: codeOf(execution.code),
    command: execution.command,
    params: scalarsOf(execution.params),
    map: scalarsOf(execution.map),
    startedAt: dateOf(execution.startedAtMs),
    finishedAt: dateOf(execution.finishedAtMs),
    exitCode: execution.exitCode ?? null,
    signal: said(execution.signal),
    reason: said(execution.reason),
    message: execution.message,
    cpuMs: execution.cpuMs,
    peakMemoryBytes: execution.peakMemoryBytes,
    usageSource: execution.usageSource,
    environmentDigest: said(execution.environmentDigest),
    stdoutBytes: execution.stdoutBytes,
    stderrBytes: execution.stderrBytes,
  };
}
