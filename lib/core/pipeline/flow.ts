import type { Rate } from "./admission.ts";

/**
 * After which ends of what it needs a task runs:
 *
 *   succeeded  all of them have succeeded
 *   always     all of them have ended, however
 *   failed     all of them have ended, and one failed or was kept from running by a failure before it
 */
export const WHEN = ["succeeded", "always", "failed"] as const;
export type When = (typeof WHEN)[number];

/** One instance for each element of a list that is known only when the job runs. */
export interface MapSource {
  /** CEL. */
  readonly from: string;
  /** One name: the element, or its JSON. Several: the fields of these names of each element. */
  readonly as: readonly string[];
}

/** How many instances may fail, and the task still counts as succeeded: `count`, or that share of all (0 to 1), rounded down. */
export interface Tolerance {
  readonly count: number;
  readonly share: number;
}

export interface ResultCache {
  /** An older result will not do; 0: any will. */
  readonly ttlMs: number;
  /** The parameters that the work depends on; null: all. */
  readonly params: readonly string[] | null;
}

export interface Approve {
  /** Whose word counts; empty: anybody's. Names are taken as they are given. */
  readonly by: readonly string[];
  /** After it without a word the task fails. */
  readonly timeoutMs: number;
  /** What is asked. */
  readonly message: string;
}

/** In place of a metric's name. */
export const ANY_METRIC = "*";

/** What a task says about when it runs and how it counts. Canonical: every default is filled in. */
export interface TaskFlow {
  readonly when: When;
  /** CEL; unless it is true the task is skipped. Empty: none. */
  readonly if: string;
  readonly mapFrom: MapSource | null;
  readonly tolerate: Tolerance;
  /**
   * How far its metrics may be off when it is run again, as a share of what they were; ANY_METRIC: those that are not named, and numbers of its result. Null: not at all.
   */
  readonly metricTolerance: Readonly<Record<string, number>> | null;
  /** It runs nothing, and waits for a person's word. */
  readonly approve: Approve | null;
  /** On the starts of its instances. */
  readonly rate: Rate | null;
  /** An earlier result of the same work will do. */
  readonly cache: ResultCache | null;
  /** Of a task that came from another pipeline: the parameters it knows by names of its own. */
  readonly aliases: Readonly<Record<string, string>> | null;
  /** It runs nothing: it stands for another pipeline, whose tasks are its needs, and ends as that does. */
  readonly join: boolean;
}

/** Of a task that says nothing about it; shared, since of 100,000 tasks most are so. */
export const PLAIN_FLOW: TaskFlow = Object.freeze({
  when: "succeeded",
  if: "",
  mapFrom: null,
  tolerate: Object.freeze({ count: 0, share: 0 }),
  metricTolerance: null,
  approve: null,
  rate: null,
  cache: null,
  aliases: null,
  join: false,
});

/** Of so many instances, how many may fail. */
export function toleratedOf({ count, share }: Tolerance, instances: number): number {
  // 0.29 × 100 is 28.999999999999996 in binary.
  return count + Math.floor(share * instances + 1e-9);
}
