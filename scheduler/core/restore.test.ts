import { expect, test } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import {
  asks,
  Bench,
  capacity,
  job,
  key,
  mapOver,
  output,
  pipeline,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";

test("inputs come in the order of their instances, also under a new leader", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(2)));
  const reads = task("b", { needs: ["a"], inputs: { from: { task: "a", output: "x" } } });
  saved.take(before.submit(job("j1", pipeline(task("a", { map: mapOver(2), outputs: { x: "x" } }), reads))));
  saved.take(before.end("n1", key("j1.a.0.1"), SUCCEEDED, { outputs: [output("x", "a")], startedAtMs: 0 }));
  saved.take(before.start("n1", key("j1.a.1.1")));

  const after = saved.next(before);
  after.settle();
  const batch = after.end("n1", key("j1.a.1.1"), SUCCEEDED, { outputs: [output("x", "b")] });
  expect(batch.assign[0]!.assignment.inputs.map(({ index }) => index)).toEqual([0, 1]);
});

test("the next attempt goes on from the last checkpoint of one that was lost, also under a new leader; later words of the lost one change nothing", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(1)));
  saved.take(before.submit(job("j1", pipeline(task("a", { checkpoint: true, checkpointEveryMs: 1000 })))));
  saved.take(before.start("n1", key("j1.a.0.1")));
  const say = (bench: Bench, digit: string) => {
    const { digest } = output("x", digit);
    const report = {
      kind: "checkpoint",
      key: key("j1.a.0.1"),
      atMs: 5,
      checkpoint: { digest, kind: "tree", bytes: 3 },
    } as const;
    return bench.step({ kind: "attemptCheckpointed", node: "n1" as NodeId, report });
  };
  expect(say(before, "a")).toEqual({ kind: "done" });
  saved.take(before.settle());
  const after = saved.next(before);
  expect(say(after, "b")).toEqual({ kind: "done" });
  after.pass(31_001);
  expect(say(after, "c")).toEqual({ kind: "stale" });
  const { assignment } = after.join("n2").assign[0]!;
  expect(assignment.ref.attempt).toBe(2);
  expect(assignment.checkpoint).toEqual({
    from: { digest: output("x", "b").digest, kind: "tree", bytes: 3 },
    everyMs: 1000,
  });
});

test("a node that came back smaller than what it holds is nothing wrong under a new leader", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(4, 2)));
  const needy = task("a", { map: mapOver(2), resources: asks(2, { gpuMillis: 1000 }) });
  saved.take(before.submit(job("j1", pipeline(needy))));
  before.step({ kind: "nodeHeard", node: "n1" as NodeId, capacity: capacity(1), active: [], leaving: false });
  saved.take(before.settle());

  expect(() => saved.next(before).settle()).not.toThrow();
});
