import fc from "fast-check";
import { expect, test } from "vitest";
import { asks, Bench, capacity, job, pipeline, task } from "../../test/support/build.ts";
import type { Resources } from "../../lib/core/pipeline/spec.ts";
import { cost } from "./rank.ts";
import type { Node } from "./state.ts";

const gpus = (count: number, cpus = 1): Resources => asks(cpus, { gpuMillis: count * 1000 });

/** Nodes of 16 CPUs and 8 devices, of which so many are taken. */
function nodesWith(taken: readonly number[]): Node[] {
  const bench = new Bench();
  taken.forEach((count, i) => {
    bench.join(`n${i}`, capacity(16, 8));
    if (count > 0) bench.submit(job(`j${i}`, pipeline(task("t", { resources: gpus(count) }))));
    expect(bench.state.nodes.size).toBe(i + 1);
    // So that the next goes to the next node.
    bench.step({ kind: "nodeCordoned", node: [...bench.state.nodes.keys()][i]!, reason: "" });
    bench.settle();
  });
  return [...bench.state.nodes.values()];
}

function best(nodes: readonly Node[], asked: Resources, typical: readonly [Resources, number][]): number {
  const weighed = typical.map(([of, weight]) => ({ asked: of, weight }));
  const costs = nodes.map((node) => cost(node, asked, weighed));
  return costs.indexOf(Math.min(...costs));
}

test("a small request does not break a machine that larger ones wait for", () => {
  const nodes = nodesWith([0, 3, 7]);
  expect(best(nodes, gpus(1), [[gpus(8), 1]])).toBe(2);
  expect(best(nodes.slice(0, 2), gpus(1), [[gpus(8), 1]])).toBe(1);
  expect(best(nodes.slice(0, 2), gpus(4), [[gpus(8), 1]])).toBe(1);
});

test("where requests for four come often, a single one goes where it leaves four", () => {
  const nodes = nodesWith([3, 4]);
  expect(best(nodes, gpus(1), [[gpus(4), 1]])).toBe(0);
});

test("devices are not left without the CPUs to use them", () => {
  const nodes = nodesWith([0, 0]);
  nodes[0]!.reserved.cpuMillis += 12_000;
  expect(best(nodes, gpus(1, 4), [[gpus(1), 1]])).toBe(1);
});

test("with nothing known of what is typical, the fullest machine with room is the best", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 2, maxLength: 5 }), (taken) => {
      expect(taken[best(nodesWith(taken), gpus(1), [])]).toBe(Math.max(...taken));
    }),
    { numRuns: 20 },
  );
});
