/** What one attempt used at one time, for its run. */
export interface Sample {
  /** Id of the run. */
  readonly run: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
  readonly step: number;
  /** By the name of the metric, which begins with "system/". */
  readonly values: Readonly<Record<string, number>>;
  /** Tags of the run, e.g. what the machine is; absent: none are to be set. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** Of samples in one request: those of a large machine, or of an hour on a small one. */
export const SAMPLES_MAX = 1_000;
/** Metrics begin with this, as MLflow's own do. */
export const SYSTEM_PREFIX = "system/";
