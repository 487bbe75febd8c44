import fc from "fast-check";
import { expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { asks, Bench, capacity, job, pipeline, SUCCEEDED, task } from "../../test/support/build.ts";
import type { Batch } from "./index.ts";
import { ENDLESS_HOLD_AFTER_MS, ENDLESS_HOLD_SHARE, HOLD_AFTER_MS } from "./limit.ts";

const RUN_MS = 600_000;
const STEP_MS = 60_000;

/** A cluster that is never without small work: whenever one ends, another waits already. */
class Busy {
  readonly bench = new Bench({ leaseMs: 1e12 });
  readonly running: { node: string; key: AttemptKey; endsMs: number }[] = [];
  readonly limitMs: number;
  #jobs = 0;

  constructor(nodes: number, gpus: number, limitMs: number) {
    this.limitMs = limitMs;
    for (let i = 0; i < nodes; i += 1) this.take(this.bench.join(`n${i}`, capacity(64, gpus)));
    for (let i = 0; i < nodes * gpus * 2; i += 1) this.small();
  }

  small(): void {
    this.submit(`s${(this.#jobs += 1)}`, 1000, 1);
  }

  submit(id: string, gpuMillis: number, nodes: number): void {
    const resources = asks(1, { gpuMillis });
    const spec = pipeline(task("t", { resources, nodes, timeoutMs: gpuMillis === 1000 ? this.limitMs : 0 }));
    this.take(this.bench.submit(job(id, spec)));
  }

  take({ assign }: Batch): void {
    const { nowMs } = this.bench;
    for (const { node, assignment } of assign) {
      const key = attemptKey(assignment.ref);
      // Their ends are spread, so that no machine becomes free by chance.
      this.running.push({ node, key, endsMs: nowMs + RUN_MS / 2 + ((this.running.length * 7919) % (RUN_MS / 2)) });
    }
  }

  step(): void {
    this.take(this.bench.pass(STEP_MS));
    for (const one of [...this.running].filter(({ endsMs }) => endsMs <= this.bench.nowMs)) {
      this.running.splice(this.running.indexOf(one), 1);
      this.take(this.bench.end(one.node, one.key, SUCCEEDED));
      if (one.key.startsWith("s")) this.small();
    }
  }

  /** How long until all of these have started, in milliseconds. */
  waitOf(ids: readonly string[], mostMs: number): number {
    const { nowMs } = this.bench;
    const left = new Set(ids);
    while (left.size > 0 && this.bench.nowMs - nowMs < mostMs) {
      this.step();
      for (const { key } of this.running) left.delete(key.slice(0, key.indexOf(".")));
    }
    return this.bench.nowMs - nowMs;
  }
}

test("work for whole machines starts in bounded time beside an endless stream of small work of which nobody knows how long it runs", () => {
  const shapes = fc.record({ nodes: fc.integer({ min: 1, max: 3 }), gpus: fc.constantFrom(2, 4), large: fc.nat(2) });
  fc.assert(
    fc.property(shapes, ({ nodes, gpus, large }) => {
      const busy = new Busy(nodes, gpus, 0);
      // Each asks for another thing, so each is a class, and needs a turn of its own; the last may be a gang.
      const ids = Array.from({ length: large + 1 }, (_, i) => `large${i}`);
      ids.forEach((id, i) => busy.submit(id, gpus * 1000 - (i % 2) * 1000 || 2000, i === 2 ? nodes : 1));
      const turnMs = (2 * RUN_MS) / ENDLESS_HOLD_SHARE;
      const boundMs = ENDLESS_HOLD_AFTER_MS + ids.length * turnMs;
      expect(busy.waitOf(ids, boundMs + STEP_MS)).toBeLessThanOrEqual(boundMs);
    }),
    { numRuns: 12 },
  );
});

test("where time limits are known it starts soon after the limits of what runs, and small work that ends in time fills the gap", () => {
  const busy = new Busy(2, 4, RUN_MS);
  busy.submit("large", 4000, 1);
  const boundMs = HOLD_AFTER_MS + 2 * RUN_MS;
  expect(busy.waitOf(["large"], boundMs + STEP_MS)).toBeLessThanOrEqual(boundMs);
});
