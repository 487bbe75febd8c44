import type { EndedReport, Outcome } from "./dispatch.ts";
import type { AttemptKey } from "./ids.ts";

/** The end of an attempt of which no process tells: it had none, or nobody knows what became of it. */
export function untoldEnd(key: AttemptKey, outcome: Outcome, message: string, endedAtMs: number): EndedReport {
  return {
    kind: "ended",
    key,
    outcome,
    message,
    startedAtMs: null,
    endedAtMs,
    exitCode: null,
    signal: null,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}
