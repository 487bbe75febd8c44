import { expect, test } from "vitest";
import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import type { StreamContext } from "../../lib/grpc.ts";
import type { HeartbeatResponse } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import { batchOf } from "../../test/support/build.ts";
import type { Batch } from "../core/index.ts";
import { NodeDesk } from "./node-desk.ts";

function openMany(count: number): { desk: NodeDesk; sent: HeartbeatResponse[]; failed: string[] } {
  const desk = new NodeDesk(7, { leaseMs: 30_000, heartbeatMs: 2_000 });
  const sent: HeartbeatResponse[] = [];
  const failed: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const sink = { write: async (message: HeartbeatResponse) => void sent.push(message) };
    const context = { fail: (error: Error) => void failed.push(error.message) } as unknown as StreamContext;
    desk.open(`node-${i}` as NodeId, sink, context);
  }
  return { desk, sent, failed };
}

test("the interval of heartbeats grows with the cluster, with jitter, and never beyond a third of the lease", () => {
  for (const [nodes, meanMs] of [
    [1, 2_000],
    [100, 2_000],
    [400, 8_000],
  ] as const) {
    const { desk } = openMany(nodes);
    const intervals = Array.from({ length: 200 }, () => desk.intervalMs());
    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(meanMs * 0.9);
    expect(Math.max(...intervals)).toBeLessThanOrEqual(meanMs * 1.1);
    expect(new Set(intervals).size).toBeGreaterThan(50);
  }
  expect(openMany(5_000).desk.intervalMs()).toBe(10_000);
});

test("stop orders go to their node at once, in one message", () => {
  const { desk, sent } = openMany(2);
  const order = (key: string) => ({ key: key as AttemptKey, graceMs: 10, reason: "cancelled" as const });
  const stop: Batch["stop"] = [
    { node: "node-1" as NodeId, order: order("j.a.0.1") },
    { node: "node-1" as NodeId, order: order("j.a.1.1") },
    { node: "elsewhere" as NodeId, order: order("j.a.2.1") },
  ];
  desk.onBatch(batchOf({ stop }));
  expect(sent).toMatchObject([
    { sequence: 0, term: 7, leaseMs: 30_000, stop: [{ key: "j.a.0.1" }, { key: "j.a.1.1" }] },
  ]);
});
