import type { Host } from "./books.ts";
import { isModelFor, type Shape, type Workload } from "./workload.ts";

/** Requests that make up the typical demand: the most frequent, until they are this share of all jobs with GPUs… */
const TYPICAL_SHARE = 0.95;
/** …but not more of them: each look at a machine walks them all. */
const TYPICAL_MAX = 64;

export interface Typical {
  readonly shape: Shape;
  /** Its share of all that are typical. */
  readonly weight: number;
}

/**
 * What jobs typically ask for: shapes with GPUs by how often they come. Jobs without GPUs are left out; they would count all
 * that is free as fragments, on every machine alike.
 */
export function typicalOf({ jobs }: Workload): readonly Typical[] {
  const counts = new Map<Shape, number>();
  for (const { shape } of jobs) if (shape.gpuMillis > 0) counts.set(shape, (counts.get(shape) ?? 0) + 1);
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const typical: [Shape, number][] = [];
  let covered = 0;
  for (const [shape, count] of [...counts].toSorted((a, b) => b[1] - a[1])) {
    if (typical.length >= TYPICAL_MAX || covered >= TYPICAL_SHARE * total) break;
    typical.push([shape, count]);
    covered += count;
  }
  return typical.map(([shape, count]) => ({ shape, weight: count / covered }));
}

/** Free of a machine: what fragmentation looks at. */
export interface Free {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly devices: Int32Array;
}

/**
 * Expected GPU thousandths, free on the machine, that the next typical job could not use: all of them if it does not fit
 * there, else those of the devices too full for it (Weng et al., "Beware of Fragmentation", USENIX ATC 2023, §3).
 */
export function fragmentMillis(host: Host, free: Free, typical: readonly Typical[]): number {
  const { devices } = free;
  let sum = 0;
  let whole = 0;
  for (let i = 0; i < devices.length; i += 1) {
    sum += devices[i]!;
    if (devices[i] === 1000) whole += 1;
  }
  if (sum === 0) return 0;
  let expected = 0;
  for (const { shape, weight } of typical) expected += weight * unusable(host, free, shape, sum, whole);
  return expected;
}

function unusable(host: Host, free: Free, shape: Shape, sum: number, whole: number): number {
  if (shape.cpuMillis > free.cpuMillis || shape.memoryBytes > free.memoryBytes || !isModelFor(host.machine, shape))
    return sum;
  if (shape.gpuMillis >= 1000) return whole * 1000 < shape.gpuMillis ? sum : sum - whole * 1000;
  let tooFull = 0;
  for (let i = 0; i < free.devices.length; i += 1) if (free.devices[i]! < shape.gpuMillis) tooFull += free.devices[i]!;
  return tooFull;
}
