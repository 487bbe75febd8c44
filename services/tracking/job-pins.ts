import type { Pool } from "pg";
import type { AttemptKey, Digest, JobId } from "../../lib/core/ids.ts";
import { mapNames, type Code, type PipelineSpec, type Scalar, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { ArtifactStore } from "../artifacts/index.ts";
import {
  CodeReader,
  elsewherePin,
  environmentPins,
  Holdings,
  lastExecutions,
  type Missing,
  type Pin,
  seedAmong,
  sourceReadsOf,
  storedPin,
} from "../lineage/index.ts";

/** Attempts whose inputs and tracked parameters are looked at; a job of more has mapped tasks, which are alike. */
const ATTEMPTS_MAX = 1_000;

export interface JobToPin {
  readonly id: JobId;
  readonly spec: PipelineSpec;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly code: Code | null;
}

export interface JobPins {
  readonly job: JobId;
  /** All pins are held, or kept elsewhere under their digest: running it again is running the same. */
  readonly reproducible: boolean;
  readonly pins: readonly Pin[];
  /** Of those, in sentences: what is gone, and what is not pinned at all. */
  readonly missing: readonly string[];
  readonly notPinned: readonly string[];
  /** By task: how far its metrics may be off when it is run again (TaskFlow.metricTolerance). */
  readonly metricTolerance: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** What a job needs to be run again: code, inputs from outside of it, environments, parameters, seeds. */
export async function pinsOfJob(
  { pool, artifacts }: { readonly pool: Pool; readonly artifacts: ArtifactStore },
  job: JobToPin,
): Promise<JobPins> {
  const code = new CodeReader(artifacts);
  const holdings = new Holdings(artifacts);
  const tasks = job.spec.tasks.filter(({ flow }) => flow.approve === null && !flow.join);
  const keys = await lastExecutions(pool, { job: job.id }, ATTEMPTS_MAX);
  const [inputs, tracked] = await Promise.all([outerInputs(pool, job), trackedParams(pool, keys)]);
  const digest = job.code?.digest ?? null;
  const hasCode = digest !== null && (await code.files(digest)) !== undefined;
  const locks = new Map<string, Awaited<ReturnType<CodeReader["lock"]>>>();
  for (const { name, environment } of tasks)
    if ("lock" in environment && digest !== null && hasCode) locks.set(name, await code.lock(digest, environment.lock));
  await holdings.look([
    ...(digest === null ? [] : [digest]),
    ...inputs.flatMap(({ read }) => read.flatMap(({ digest: one, kept }) => (kept ? [one] : []))),
    ...[...locks.values()].flatMap(({ files }) => files.map((file) => file.digest)),
  ]);
  const missing: Missing = (one) => {
    const found = holdings.of(one);
    return found.kind === "held" ? undefined : found;
  };
  const pins: Pin[] = [];
  if (digest !== null) pins.push(storedPin({ kind: "code", task: "", name: "" }, digest, missing));
  pins.push({ kind: "params", task: "", name: "", id: null, state: "held", says: "" });
  for (const task of tasks) {
    pins.push(...inputs.filter((input) => input.task === task.name).map((input) => inputPin(input, missing)));
    pins.push(...environmentPins(task.name, task.environment, locks.get(task.name), missing));
    pins.push(seedPin(task, job.params, tracked.get(task.name) ?? []));
  }
  const says = (state: Pin["state"]): string[] => pins.filter((pin) => pin.state === state).map((pin) => pin.says);
  const notPinned = says("loose");
  const gone = says("missing");
  const metricTolerance = Object.fromEntries(
    tasks.flatMap(({ name, flow }) => (flow.metricTolerance === null ? [] : [[name, flow.metricTolerance] as const])),
  );
  const reproducible = gone.length + notPinned.length === 0;
  return { job: job.id, reproducible, pins, missing: gone, notPinned, metricTolerance };
}

/** An input that no task of the job makes; those that one makes are made again. */
interface OuterInput extends Pick<Pin, "task" | "name"> {
  readonly from: string;
  /** What a rerun reads; several: its instances read different bytes. */
  readonly read: readonly { readonly digest: Digest; readonly kept: boolean }[];
}

async function outerInputs(pool: Pool, { id, spec }: JobToPin): Promise<OuterInput[]> {
  const sources = spec.tasks.flatMap(({ name: task, sources: own = {} }) =>
    Object.entries(own).map(([name, source]) => ({ task, name, source })),
  );
  // What was fixed when the job was accepted was not read anew.
  const reads = sources.some(({ source }) => source.pin === undefined) ? await sourceReadsOf(pool, id) : [];
  return sources.map(({ task, name, source: { from, digest, pin } }) => {
    if (pin !== undefined) return { task, name, from, read: [{ digest: pin.digest, kept: true }] };
    const own = reads.filter((read) => read.task === task && read.name === name);
    const digests = [...new Set([...own.map((read) => read.digest), ...(digest === undefined ? [] : [digest])])];
    const isKept = (one: Digest): boolean => own.some((read) => read.digest === one && read.kept);
    return { task, name, from, read: digests.map((one) => ({ digest: one, kept: isKept(one) })) };
  });
}

function inputPin({ task, name, from, read }: OuterInput, missing: Missing): Pin {
  const pin = { kind: "data", task, name } as const;
  const [one] = read;
  if (one === undefined) {
    const says = `input ${name} of task ${task}: nothing has read ${from}, so that nobody knows which bytes it is`;
    return { ...pin, id: null, state: "loose", says };
  }
  if (read.length > 1) {
    const says = `input ${name} of task ${task}: its attempts read ${read.length} different contents of ${from}, and read again what is there`;
    return { ...pin, id: null, state: "loose", says };
  }
  return one.kept ? storedPin(pin, one.digest, missing) : elsewherePin(pin, one.digest, from);
}

/** By task: the names of the parameters that its runs logged. */
async function trackedParams(pool: Pool, keys: readonly AttemptKey[]): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ task: string; keys: string[] }>({
    name: "tracking-params-of-attempts",
    text: `select split_part(r.attempt, '.', 2) as task, array_agg(distinct p.key) as keys
             from runs r join run_params p on p.run = r.number where r.attempt = any($1) group by 1`,
    values: [keys],
  });
  return new Map(rows.map((row) => [row.task, row.keys]));
}

function seedPin(task: TaskSpec, params: JobToPin["params"], tracked: readonly string[]): Pin {
  const names = [...Object.keys(params), ...mapNames(task), ...Object.keys(task.env), ...tracked];
  const name = seedAmong(names);
  const pin = { kind: "seed", task: task.name, id: null } as const;
  if (name !== undefined) return { ...pin, name, state: "held", says: "" };
  const says = `the seed of task ${task.name}: no parameter, map value or variable of it is called seed or random_state`;
  return { ...pin, name: "", state: "loose", says };
}
