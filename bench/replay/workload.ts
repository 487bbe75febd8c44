/** A machine of a trace. */
export interface Machine {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  /** Of its GPUs; empty where it has none. */
  readonly model: string;
}

/** What a job asks for. Jobs that ask for the same share one shape, so it can be compared by identity. */
export interface Shape {
  readonly key: string;
  /** Of each member. */
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Thousandths of a device: below 1000 a share of one, else whole ones. */
  readonly gpuMillis: number;
  /** Allowed models; empty: any. */
  readonly models: readonly string[];
  /** Members that start together, each on a machine of its own. */
  readonly members: number;
}

export interface TraceJob {
  readonly name: string;
  readonly project: string;
  readonly arrivalMs: number;
  /** How long it runs once it has all it asks for. */
  readonly runMs: number;
  readonly shape: Shape;
}

export interface Workload {
  readonly name: string;
  readonly machines: readonly Machine[];
  /** By arrival. */
  readonly jobs: readonly TraceJob[];
  /** What was done to the trace, in sentences for whoever reads the figures. */
  readonly notes: readonly string[];
}

export interface Cut {
  /** Arrivals come that much faster. */
  readonly load: number;
  /** Machines kept; null: all. */
  readonly nodes: number | null;
  /** Jobs kept, the first to arrive; null: all. */
  readonly limit: number | null;
}

/** Gives each distinct request one Shape. */
export class Shapes {
  readonly #known = new Map<string, Shape>();

  of(asked: Omit<Shape, "key">): Shape {
    const { cpuMillis, memoryBytes, gpuMillis, models, members } = asked;
    const key = `${cpuMillis}/${memoryBytes}/${gpuMillis}/${models.join("|")}/${members}`;
    let shape = this.#known.get(key);
    if (!shape) this.#known.set(key, (shape = { key, ...asked }));
    return shape;
  }
}

/** Fewer machines, fewer jobs, faster arrivals; jobs that the machines left could never hold are left out. */
export function cutWorkload(workload: Workload, { load, nodes, limit }: Cut): Workload {
  const notes = [...workload.notes];
  const machines = spread(workload.machines, nodes ?? workload.machines.length);
  if (machines.length < workload.machines.length)
    notes.push(`${machines.length} of ${workload.machines.length} machines, evenly spaced in the trace's list.`);
  const all = workload.jobs.toSorted((a, b) => a.arrivalMs - b.arrivalMs);
  const first = all.slice(0, limit ?? all.length);
  if (first.length < all.length) notes.push(`The first ${first.length} of ${all.length} jobs to arrive.`);
  const possible = satisfiable(machines);
  const kept = first.filter(({ shape }) => possible(shape));
  if (kept.length < first.length)
    notes.push(`${first.length - kept.length} jobs left out: these machines, all empty, could not hold them.`);
  if (load !== 1) notes.push(`Arrivals ${load} times faster; run times as they were.`);
  const startMs = kept[0]?.arrivalMs ?? 0;
  const jobs = kept.map((job) => ({ ...job, arrivalMs: Math.round((job.arrivalMs - startMs) / load) }));
  return { ...workload, machines, jobs, notes };
}

/** `count` of the items, evenly spaced, so that their mix stays what it was. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (count >= items.length) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]!);
}

function satisfiable(machines: readonly Machine[]): (shape: Shape) => boolean {
  const known = new Map<Shape, boolean>();
  return (shape) => {
    let is = known.get(shape);
    if (is === undefined)
      known.set(shape, (is = machines.filter((machine) => couldHold(machine, shape)).length >= shape.members));
    return is;
  };
}

/** Whether the machine, empty, has room for one member. */
export function couldHold(machine: Machine, shape: Shape): boolean {
  return (
    shape.cpuMillis <= machine.cpuMillis &&
    shape.memoryBytes <= machine.memoryBytes &&
    shape.gpuMillis <= machine.gpus * 1000 &&
    isModelFor(machine, shape)
  );
}

export function isModelFor(machine: Machine, { gpuMillis, models }: Shape): boolean {
  return gpuMillis === 0 || models.length === 0 || models.includes(machine.model);
}

/** GPU time that the jobs ask for, over what the machines have from the first arrival to the last. */
export function offeredLoad({ machines, jobs }: Workload): number {
  const spanMs = (jobs.at(-1)?.arrivalMs ?? 0) - (jobs[0]?.arrivalMs ?? 0);
  const asked = jobs.reduce((sum, { shape, runMs }) => sum + shape.gpuMillis * shape.members * runMs, 0);
  const gpuMillis = machines.reduce((sum, { gpus }) => sum + gpus * 1000, 0);
  return spanMs === 0 || gpuMillis === 0 ? 0 : asked / (gpuMillis * spanMs);
}
