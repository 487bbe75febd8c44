import type { ArchivedReport } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import type { Answer, Event } from "./core/index.ts";

/** Entries that may wait for a commit: several seconds of work at full speed. Callers are told to come back when it is full. */
const ENTRIES_MAX = 100_000;

export type Entry = {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
} & (
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "archived"; readonly report: ArchivedReport }
);

/** What has arrived and waits for the loop. */
export class Inbox {
  #entries: Entry[] = [];
  #closed: Error | undefined;
  #wake: (() => void) | undefined;

  get depth(): number {
    return this.#entries.length;
  }

  get isClosed(): boolean {
    return this.#closed !== undefined;
  }

  /** Rejects with `unavailable` when the inbox is full or closed. */
  event(event: Event): Promise<Answer> {
    return new Promise((resolve, reject) => this.#put({ kind: "event", event, resolve, reject }));
  }

  archived(report: ArchivedReport): Promise<Answer> {
    return new Promise((resolve, reject) => this.#put({ kind: "archived", report, resolve, reject }));
  }

  /** Oldest first. */
  take(most: number): Entry[] {
    return this.#entries.splice(0, most);
  }

  /** Resolves when something waits, at `wake` or `close`: after all that is arriving at this moment, and without a timer. */
  async filled(): Promise<void> {
    if (this.#entries.length === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Rejects what waits and all that comes. */
  close(error: Error): void {
    this.#closed = error;
    for (const entry of this.#entries.splice(0)) entry.reject(error);
    this.wake();
  }

  #put(entry: Entry): void {
    if (this.#closed) return entry.reject(this.#closed);
    if (this.#entries.length >= ENTRIES_MAX) {
      return entry.reject(
        new WeftError(
          "unavailable",
          `the scheduler has ${ENTRIES_MAX} events waiting to be committed: try again later`,
        ),
      );
    }
    this.#entries.push(entry);
    this.wake();
  }
}
