import { expect, test } from "vitest";
import { asks, Bench, capacity, job, key, mapOver, pipeline, task } from "../../test/support/build.ts";
import { listQueue } from "./index.ts";

test("a class tells how many of it are on nodes; one of which nothing waits is told when it is asked for", () => {
  const bench = new Bench();
  bench.join("n1", capacity(3));
  bench.submit(job("a", pipeline(task("t", { resources: asks(1), map: mapOver(2) }))));
  const counts = (running: boolean) =>
    listQueue(bench.state, bench.nowMs, { running }).map((one) => [one.resources.cpuMillis, one.running, one.waiting]);
  expect(counts(false)).toEqual([]);
  expect(counts(true)).toEqual([[1000, 2, 0]]);
  bench.submit(job("b", pipeline(task("t", { resources: asks(1), map: mapOver(4) }))));
  bench.submit(job("c", pipeline(task("t", { resources: asks(2) }))));
  expect(counts(false)).toEqual([
    [1000, 3, 3],
    [2000, 0, 1],
  ]);
  bench.end("n1", key("a.t.0.1"));
  expect(counts(true).reduce((sum, [, running]) => sum + running!, 0)).toBe(
    bench.state.nodes.get("n1" as never)!.attempts.size,
  );
});
