/** The pipeline's business: what was named cannot be read, or is not what was promised. */
export class OutsideError extends Error {}

/** It may go better in a moment: no answer, half an answer, an answer that says "later". */
export class PassingError extends Error {}

/** It is not any more what the bytes so far are of: to be read again from its start. */
export class ChangedError extends Error {}

export interface Opened {
  /** As its server names it; empty: it names none. */
  readonly version: string;
  /** By which the rest can be asked for; null: only the whole can. */
  readonly validator: string | null;
  /** Of the whole; null: not said. */
  readonly bytes: number | null;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Something that can be read from a place on. `validator`: of the bytes before `start`; what is another by now is a ChangedError. Errors also:
 * OutsideError, PassingError.
 */
export interface Remote {
  open(start: number, validator: string | null, signal: AbortSignal): Promise<Opened>;
}

/** A host that is gone answers nothing; one that is there does within a few round trips. */
export const CONNECT_MS_MAX = 10_000;
/** Without a byte: longer than an object store takes to find a cold object. */
export const IDLE_MS_MAX = 120_000;

/** Statuses after which the same request may succeed. */
export function isPassing(status: number): boolean {
  return status >= 500 || [408, 425, 429].includes(status);
}
