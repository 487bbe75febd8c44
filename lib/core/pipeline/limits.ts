/**
 * Limits of a pipeline. They are far above what people write by hand; what exceeds one is nearly always a mistake
 * (a product of maps that exploded, a data file pasted into `run`), and is better refused than run.
 */
export const LIMITS = {
  /** A job is one row and one message; more tasks than this do not fit the 12 MiB of `specBytes`. */
  tasks: 100_000,
  /** Of one mapped task: the scheduler keeps a compact record an instance once it has run. */
  instancesPerTask: 100_000,
  /** Of all tasks of a job together, for the scheduler's memory (≤ 1 kB each). */
  instancesPerJob: 1_000_000,
  /** A script is one argument of `sh`; Linux allows 128 KiB (MAX_ARG_STRLEN), and values are still put in. */
  scriptBytes: 100_000,
  /** Rendered, and quoted for the shell: what Linux allows for one argument, less the ending zero. */
  scriptRenderedBytes: 131_071,
  /** Of one task's variables together, rendered: it is part of the assignment, which must fit 1 MiB. */
  envBytes: 64_000,
  /** Of one argument list together, rendered. */
  commandBytes: 100_000,
  /** Text of the whole pipeline: the gRPC message may have 16 MiB and the row is read by every new leader. */
  specBytes: 12 * 1024 * 1024,
  /** Of weft.yaml on disk: what people write by hand is a thousandth of it; more is nearly always data in the wrong place. */
  fileBytes: 9 * 1024 * 1024,
  /** Input artifacts of one instance: some 200 bytes each in the assignment, which must fit 1 MiB. */
  inputsPerInstance: 4_000,
  /** Of up to 2,000 bytes each, in the assignment and again in the report of its end, each of which must fit 1 MiB. */
  urisPerTask: 200,
  needsPerTask: 10_000,
  params: 1_000,
  /** One value of a parameter or of a map, as text: it becomes an environment variable. */
  valueBytes: 16_000,
  outputsPerTask: 1_000,
  mapDimensions: 16,
  filesPerTask: 1_000,
  pathBytes: 1_000,
  /** More than the largest machines have: more is a slip of the unit. */
  cpus: 10_000,
  memoryBytes: 1024 ** 5,
  diskBytes: 1024 ** 5,
  gpus: 1_024,
  gpuModels: 32,
  alternatives: 8,
  /** Of one gang; all its members are placed in one round, on nodes of their own. */
  nodes: 1_024,
  labelRules: 64,
  labelValues: 64,
  labelChars: 253,
  /** Either way of 0. */
  priority: 1_000,
  retries: 1_000,
  backoffMs: 86_400_000,
  /** Between two checkpoints of a task that runs: each looks at every file twice. */
  checkpointMsMin: 1_000,
  /** 365 days. */
  timeoutMs: 365 * 86_400_000,
  /** An hour: a node that is drained waits this long. */
  stopGraceMs: 3_600_000,
  /** Issues named in one answer; the rest are counted. */
  issues: 50,
} as const;

/** UTF-8 length of a text, without an encoder: core has none. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit <= 0xdbff) {
      bytes += 2;
      i += 1;
    } else bytes += 2;
  }
  return bytes;
}
