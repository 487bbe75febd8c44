/**
 * Between two messages or syncs while attempts end faster than that, in milliseconds: ten ends at once cost the disk one
 * sync, the scheduler one commit and NATS one message. What waits for it does not idle the machine, since short tasks
 * queue here ahead of room.
 */
export const BUSY_PACE_MS = 20;
/** The same while many more queue here: the machine has work for longer than that. */
export const QUEUED_PACE_MS = 50;
/** So many are work for QUEUED_PACE_MS when each takes no longer than to start a process (1 to 2 ms on one core). */
export const QUEUED_MIN = 64;

/** Between two messages that several attempts have a part in. `queued`: attempts that wait for room on this machine. */
export function messagePaceMs(queued: number): number {
  return queued >= QUEUED_MIN ? QUEUED_PACE_MS : BUSY_PACE_MS;
}

/** Between two writes of ends to the journal. The end of an attempt that nobody waits behind is written at once. */
export function writePaceMs(queued: number): number {
  return queued === 0 ? 0 : messagePaceMs(queued);
}

/** From the start of an attempt to the first look at what it prints; to watch a short one costs as much as to run it. */
const WATCH_AFTER_MS = 20;
/** The same while many queue here: the machine is busy, and what is short takes longer. */
const WATCH_AFTER_QUEUED_MS = 200;

export function watchAfterMs(queued: number): number {
  return queued >= QUEUED_MIN ? WATCH_AFTER_QUEUED_MS : WATCH_AFTER_MS;
}
