import { expect, test } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import type { TaskSpec } from "../../lib/core/pipeline/spec.ts";
import { asks, Bench, capacity, job, key, mapOver, pipeline, task } from "../../test/support/build.ts";

function one(id: string, parts: Partial<TaskSpec>, priority = 0, project = "default") {
  return job(id, { ...pipeline(task("t", parts)), project }, { priority });
}

test("a share is taken back once: what is on its way to a project and away from another counts as come and gone", () => {
  const bench = new Bench();
  for (const node of ["n1", "n2"]) bench.join(node, capacity(3));
  bench.submit(one("a", { preemptible: true, map: mapOver(6) }, 0, "lent"));
  // Two classes of one project, of which one alone has all that it is short of.
  bench.step({ kind: "jobSubmitted", job: one("b", { resources: asks(3) }, 0, "owner") });
  bench.step({ kind: "jobSubmitted", job: one("c", { resources: asks(2) }, 0, "owner") });
  const stopped = bench.settle().stop.map(({ order }) => order.key);
  expect(stopped).toHaveLength(3);
  expect(bench.settle().stop).toEqual([]);
});

test("a gang of which one member is taken for a share is taken whole, and counted whole", () => {
  const bench = new Bench();
  for (const node of ["n1", "n2"]) bench.join(node, capacity(4));
  const wide = { resources: asks(2) };
  bench.submit(one("g", { ...wide, preemptible: true, nodes: 2 }, 0, "lent"));
  for (const project of ["third", "fourth"]) bench.submit(one(project, wide, 0, project));
  // Without one member the other project would have just its share, and without both nothing.
  expect(bench.submit(one("b", wide, 0, "owner")).stop).toEqual([]);
});

test("nodes that are held for one are not taken for another of its priority, so that no victim is stopped in vain", () => {
  const bench = new Bench();
  bench.join("n1", capacity(8));
  bench.submit(one("low", { preemptible: true, map: mapOver(8) }, -1));
  expect(bench.submit(one("first", { resources: asks(3) }, 1)).stop).toHaveLength(3);
  const held = bench.state.nodes.get("n1" as NodeId)!.hold;
  expect(bench.submit(one("second", {}, 1)).stop).toEqual([]);
  expect(bench.state.nodes.get("n1" as NodeId)!.hold).toBe(held);
});

test("what was told that nobody wants it is not told another reason after that", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(one("a", {}));
  bench.step({ kind: "jobCancelRequested", job: "a" as never, reason: "" });
  bench.step({ kind: "nodeDrained", node: "n1" as NodeId, reason: "" });
  expect(bench.settle().stop.map(({ order }) => order.reason)).toEqual(["cancelled"]);
  bench.end("n1", key("a.t.0.1"), { kind: "stopped", reason: "cancelled" });
});

test("a gang that is cancelled ends whole, also when one member had succeeded and the other comes to its own end", () => {
  const bench = new Bench();
  for (const node of ["n1", "n2"]) bench.join(node, capacity(1));
  bench.submit(one("g", { nodes: 2 }));
  bench.end("n1", key("g.t.0.1"));
  bench.step({ kind: "jobCancelRequested", job: "g" as never, reason: "" });
  const { tasks, jobs } = bench.end("n2", key("g.t.1.1"));
  expect(new Set(tasks.map(({ state }) => state))).toEqual(new Set(["succeeded"]));
  expect(tasks).toHaveLength(2);
  expect(jobs).toMatchObject([{ state: "cancelled" }]);
});
