import type { Pool } from "pg";
import type { AttemptKey, Digest, JobId } from "../../lib/core/ids.ts";
import { mapNames, type Code, type PipelineSpec, type Scalar, type TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { ArtifactStore } from "../artifacts/index.ts";
import {
  CodeReader,
  edgesOfExecutions,
  environmentPins,
  Holdings,
  lastExecutions,
  type Missing,
  type Pin,
  seedAmong,
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
  const [inputs, tracked] = await Promise.all([outerInputs(pool, job.spec, keys), trackedParams(pool, keys)]);
  const digest = job.code?.digest ?? null;
  const hasCode = digest !== null && (await code.files(digest)) !== undefined;
  const locks = new Map<string, Awaited<ReturnType<CodeReader["lock"]>>>();
  for (const { name, environment } of tasks)
    if ("lock" in environment && digest !== null && hasCode) locks.set(name, await code.lock(digest, environment.lock));
  await holdings.look([
    ...(digest === null ? [] : [digest]),
    ...inputs.flatMap(({ digests }) => digests),
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
    pins.push(...inputs.filter((input) => input.task === task.name).flatMap((input) => inputPins(input, missing)));
    pins.push(...environmentPins(task.name, task.environment, locks.get(task.name), missing));
    pins.push(seedPin(task, job.params, tracked.get(task.name) ?? []));
  }
  const says = (state: Pin["state"]): string[] => pins.filter((pin) => pin.state === state).map((pin) => pin.says);
  const notPinned = [...says("loose"), ...pins.filter(isUnrecorded).map((pin) => pin.says)];
  const gone = says("missing");
  const metricTolerance = Object.fromEntries(
    tasks.flatMap(({ name, flow }) => (flow.metricTolerance === null ? [] : [[name, flow.metricTolerance] as const])),
  );
  const reproducible = gone.length + notPinned.length === 0;
  return { job: job.id, reproducible, pins, missing: gone, notPinned, metricTolerance };
}

const isUnrecorded = ({ state, id }: Pin): boolean => state === "unknown" && id === null;

interface OuterInput {
  readonly task: string;
  readonly name: string;
  /** As they were read; empty: no attempt that is known has read it. */
  readonly digests: readonly Digest[];
}

/** Inputs that no task of the job makes; those that one makes are made again. */
async function outerInputs(pool: Pool, spec: PipelineSpec, keys: readonly AttemptKey[]): Promise<OuterInput[]> {
  const outer = spec.tasks.flatMap(({ name: task, inputs }) =>
    Object.entries(inputs)
      .filter(([, input]) => !("task" in input))
      .map(([name]) => ({ task, name })),
  );
  if (outer.length === 0) return [];
  const edges = (await edgesOfExecutions(pool, keys)).filter(({ direction }) => direction === "input");
  return outer.map(({ task, name }) => {
    const read = edges.filter((edge) => edge.name === name && edge.execution.split(".")[1] === task);
    return { task, name, digests: [...new Set(read.map(({ digest }) => digest))] };
  });
}

function inputPins({ task, name, digests }: OuterInput, missing: Missing): Pin[] {
  if (digests.length > 0) return digests.map((digest) => storedPin({ kind: "data", task, name }, digest, missing));
  const says = `input ${name} of task ${task}: no attempt has read it, so that nobody knows which bytes it is`;
  return [{ kind: "data", task, name, id: null, state: "unknown", says }];
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
