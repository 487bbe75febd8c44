import { expect, test } from "vitest";
import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import { HeartbeatWriter, type NodeState } from "./heartbeat.ts";

const state: NodeState = {
  node: "n" as NodeId,
  capacity: { cpus: 2, memoryBytes: 1, diskBytes: 1, gpus: [], os: "", arch: "", cpuModel: "", hostname: "" },
  usage: { gpus: [], problems: [] },
  active: [{ key: "job.t.0.1" as AttemptKey, phase: "running" }],
  incarnation: "one",
  leaving: false,
};

test("the capacity goes with the first beat of a stream and whenever it changed", () => {
  const writer = new HeartbeatWriter();
  expect(writer.next(state)).toMatchObject({ sequence: 1, capacity: { cpus: 2 } });
  expect(writer.next(state).capacity).toBeUndefined();
  expect(writer.next({ ...state, capacity: { ...state.capacity, cpus: 1 } })).toMatchObject({
    sequence: 3,
    capacity: { cpus: 1 },
  });
  expect(new HeartbeatWriter().next(state).capacity).toBeDefined();
});

test("every beat names all that the node holds", () => {
  expect(new HeartbeatWriter().next(state).active).toEqual([{ key: "job.t.0.1", phase: "running" }]);
});
