import { expect, test } from "vitest";
import type { NodeId } from "../lib/core/ids.ts";
import { silentLog } from "../lib/log.ts";
import { openMetrics } from "../lib/metrics.ts";
import { capacity } from "../test/support/build.ts";
import { newState } from "./core/index.ts";
import { LoopMetrics } from "./loop-metrics.ts";
import { SchedulerLoop } from "./run.ts";

test("a leader whose clock is set ahead by an hour gives up no node that it hears", async () => {
  let aheadMs = 0;
  const state = newState({ leaseMs: 5_000, skewMs: 100, silentHeartbeatsMax: 2, random: () => 0.5 });
  const loop = new SchedulerLoop({
    state,
    commit: async () => undefined,
    holds: () => true,
    findByIdempotencyKeys: async () => [],
    onCommitted: () => undefined,
    now: () => Date.now() + aheadMs,
    metrics: new LoopMetrics(openMetrics({ processMetrics: false })),
    log: silentLog(),
  });
  const join = (node: string) =>
    loop.submit({
      kind: "nodeJoined",
      node: node as NodeId,
      name: node,
      labels: {},
      address: "",
      capacity: capacity(1),
    });
  await join("n1");
  aheadMs = 3_600_000;
  await join("n2");
  await loop.submit({ kind: "clockTicked" });
  expect([...state.nodes.values()].map(({ name, lost }) => [name, lost])).toEqual([
    ["n1", false],
    ["n2", false],
  ]);
  expect(
    Math.abs(state.nodes.get("n1" as NodeId)!.leaseEndsMs - state.nodes.get("n2" as NodeId)!.leaseEndsMs),
  ).toBeLessThan(1_000);
  await loop.stop();
});
