/**
 * The node's right to run what it was given. It counts from the moment the request was sent, on this machine's monotonic
 * clock: the server's own count starts later, so the node always ends first. All times in milliseconds.
 */
export interface Lease {
  readonly sentAtMs: number;
  readonly leaseMs: number;
}

/** Stopping processes takes time, and a late timer on a busy machine must still be early: 10 % of the lease … */
const MARGIN_FRACTION = 0.1;
/** … but at least a second, in milliseconds; a SIGTERM, an exit and a report fit into it. */
const MARGIN_MS_MIN = 1_000;

/** The lease after an answer: the request that was sent last counts, also when its answer overtook another. */
export function renew(lease: Lease | undefined, sentAtMs: number, leaseMs: number): Lease {
  if (lease !== undefined && lease.sentAtMs >= sentAtMs) return lease;
  return { sentAtMs, leaseMs };
}

export function endsAtMs(lease: Lease): number {
  return lease.sentAtMs + lease.leaseMs;
}

/** When the attempts must be stopped if no renewal has come: the margin before the end, at most half of the lease. */
export function stopAtMs(lease: Lease): number {
  return endsAtMs(lease) - marginMs(lease);
}

/** What stopping may take. */
export function marginMs({ leaseMs }: Lease): number {
  return Math.min(Math.max(MARGIN_MS_MIN, leaseMs * MARGIN_FRACTION), leaseMs / 2);
}

/** What an attempt gets between SIGTERM and SIGKILL when all must be gone within `remainingMs`: half of it is for the kill. */
export function lastGraceMs(stopGraceMs: number, remainingMs: number): number {
  return Math.min(stopGraceMs, remainingMs / 2);
}

/** Next wait between heartbeats: the server's interval, less up to a fifth, so that agents do not beat together. */
export function jittered(intervalMs: number, random: number): number {
  return intervalMs * (1 - 0.2 * random);
}

/** No answer for this long after sending: the stream is taken for dead. Two intervals, and what a commit may take. */
export function silenceMs(intervalMs: number): number {
  return 2 * intervalMs + 5_000;
}
