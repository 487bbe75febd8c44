import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { WeftError } from "../../lib/core/error.ts";
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
    desk.open(`node-${i}` as NodeId, `process ${i}`, sink, context);
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

test("an agent does not get in while another with its node id is alive, and does when that is gone, silent, or itself", async () => {
  const { desk } = openMany(1);
  const node = "node-0" as NodeId;
  await desk.claim(node, "process 0", "h");
  await desk.claim(node, "", "h");
  const refused = expect(desk.claim(node, "another", "h2")).rejects.toMatchObject({
    code: "conflict",
    message: expect.stringContaining("delete its node.json") as string,
  });
  desk.heard(node);
  await nextTurn();
  desk.heard(node);
  await refused;
  const again = desk.claim(node, "another", "h2");
  desk.close(new WeftError("unavailable", "its connection broke"));
  await again;
  const quick = new NodeDesk(7, { leaseMs: 30, heartbeatMs: 5 });
  quick.open(node, "process 0", { write: async () => undefined }, {
    fail: () => undefined,
  } as unknown as StreamContext);
  await quick.claim(node, "another", "h2");
});
