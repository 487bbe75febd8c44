/** The value below which the fraction `q` of the samples lies; nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new Error("no samples were taken");
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!;
}

export const median = (samples: readonly number[]): number => quantile(samples, 0.5);

/** Milliseconds of each of `count` runs, one after the other, after as many as a tenth of it to warm up. */
export async function sample(count: number, work: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < count / 10; i += 1) await work();
  const samples: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const started = performance.now();
    await work();
    samples.push(performance.now() - started);
  }
  return samples;
}

/** Epoch milliseconds with a fraction: the clock that other processes of this machine write down too. */
export const epochMs = (): number => performance.timeOrigin + performance.now();
