import type { Books, Place, Run } from "./books.ts";
import type { Workload } from "./workload.ts";

/** What a policy may do. Both take effect at once. */
export interface Desk {
  readonly books: Books;
  start(run: Run, places: readonly Place[]): void;
  /** Takes its machines away. What it has done so far is kept; it costs RESUME_MS when it starts again. */
  stop(run: Run): void;
}

/** Decides who runs where. It is told what happened, then asked once for all that happened at one moment. */
export interface Policy {
  submitted(run: Run, nowMs: number): void;
  /** It ran to its end, there, and its machines are free again. */
  ended(run: Run, places: readonly Place[], nowMs: number): void;
  /** A round of placement: starts and stops through the desk. */
  round(nowMs: number): void;
  /** When it wants a round though nothing happens; null: never. */
  nextMs(nowMs: number): number | null;
}

export interface PolicyKind {
  readonly name: string;
  /** One line for --help and docs. */
  readonly about: string;
  readonly make: (desk: Desk, workload: Workload) => Policy;
}
