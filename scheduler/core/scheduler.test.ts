import { expect, test } from "vitest";
import type { NodeId, JobId } from "../../lib/core/ids.ts";
import {
  asks,
  assigned,
  Bench,
  capacity,
  FAILED,
  job,
  key,
  mapOver,
  output,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { explain, isEmpty } from "./index.ts";
import { Saved } from "../../test/support/saved.ts";

const N1 = "n1" as NodeId;

test("a task starts only when what it needs has succeeded, and the job ends with its last task", () => {
  const bench = new Bench();
  bench.join("n1");
  expect(assigned(bench.submit(job("a", pipeline(task("first"), task("second", { needs: ["first"] })))))).toEqual([
    "a.first.0.1@n1",
  ]);
  bench.start("n1", key("a.first.0.1"));
  expect(assigned(bench.end("n1", key("a.first.0.1")))).toEqual(["a.second.0.1@n1"]);
  const last = bench.end("n1", key("a.second.0.1"));
  expect(last.jobs).toMatchObject([{ id: "a", state: "succeeded" }]);
  expect(last.assign).toEqual([]);
  expect(isEmpty(bench.settle())).toBe(true);
});

test("a failed task's descendants are skipped, its siblings finish, the job fails and says why", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(
    job(
      "a",
      pipeline(task("bad"), task("good"), task("after", { needs: ["bad"] }), task("last", { needs: ["after"] })),
    ),
  );
  expect(rows(bench.end("n1", key("a.bad.0.1"), FAILED, { message: "exit code 3", exitCode: 3 }))).toEqual([
    "bad.0#1 failed",
    "after.0#0 skipped",
    "last.0#0 skipped",
  ]);
  expect(bench.end("n1", key("a.good.0.1")).jobs).toMatchObject([{ state: "failed", reason: "bad: exit code 3" }]);
});

test("retries wait with backoff and raise the attempt; losses of a node spend none", () => {
  const bench = new Bench();
  bench.join("n1");
  const retries = retriesOf({ limit: 1, backoffMs: 1000, backoffMsMax: 60_000 });
  bench.submit(job("a", pipeline(task("t", { retries }))));
  expect(assigned(bench.end("n1", key("a.t.0.1"), { kind: "lost", reason: "node-stopped" }))).toEqual(["a.t.0.2@n1"]);
  expect(assigned(bench.end("n1", key("a.t.0.2"), FAILED))).toEqual([]);
  expect(assigned(bench.pass(999))).toEqual([]);
  expect(assigned(bench.pass(1))).toEqual(["a.t.0.3@n1"]);
  expect(rows(bench.end("n1", key("a.t.0.3"), FAILED))).toEqual(["t.0#3 failed"]);
});

test("only the listed exit codes are retried", () => {
  const bench = new Bench();
  bench.join("n1");
  const retries = retriesOf({ limit: 5, exitCodes: [75] });
  bench.submit(job("a", pipeline(task("t", { retries }))));
  expect(assigned(bench.end("n1", key("a.t.0.1"), FAILED, { exitCode: 75 }))).toEqual(["a.t.0.2@n1"]);
  expect(bench.end("n1", key("a.t.0.2"), FAILED, { exitCode: 1 }).jobs).toMatchObject([{ state: "failed" }]);
});

test("a report of another attempt or another node is dropped", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.join("n2", capacity(1));
  bench.submit(job("a", pipeline(task("t"))));
  bench.end("n1", key("a.t.0.1"), { kind: "lost", reason: "node-stopped" });
  for (const [node, attempt] of [
    ["n1", "a.t.0.1"],
    ["n2", "a.t.0.2"],
    ["n1", "a.t.0.9"],
    ["n1", "b.t.0.1"],
    ["n1", "nonsense"],
  ] as const) {
    const report = { kind: "attemptEnded", node: node as NodeId, report: { ...endedOf(attempt) } } as const;
    expect(bench.step(report)).toEqual({ kind: "stale" });
  }
  expect(isEmpty(bench.settle())).toBe(true);
});

function endedOf(attempt: string) {
  return {
    kind: "ended" as const,
    key: key(attempt),
    outcome: SUCCEEDED,
    message: "",
    startedAtMs: 1,
    endedAtMs: 2,
    exitCode: 0,
    signal: null,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" as const },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}

test("a mapped task runs every instance within capacity, and fan-in gets every output in order", () => {
  const bench = new Bench();
  bench.join("n1", capacity(2));
  const train = task("train", { map: mapOver(3), outputs: { model: "m" } });
  const best = task("best", { needs: ["train"], inputs: { models: { task: "train", output: "model" } } });
  expect(assigned(bench.submit(job("a", pipeline(train, best))))).toEqual(["a.train.0.1@n1", "a.train.1.1@n1"]);
  const done = { outputs: [output("model")] };
  expect(assigned(bench.end("n1", key("a.train.0.1"), SUCCEEDED, { ...done, startedAtMs: 0 }))).toEqual([
    "a.train.2.1@n1",
  ]);
  bench.end("n1", key("a.train.2.1"), SUCCEEDED, done);
  const last = bench.end("n1", key("a.train.1.1"), SUCCEEDED, done);
  expect(last.assign[0]?.assignment.inputs.map((input) => [input.name, input.index])).toEqual([
    ["models", 0],
    ["models", 1],
    ["models", 2],
  ]);
});

test("higher priority goes first, then the older job", () => {
  const bench = new Bench();
  bench.submit(job("old", pipeline(task("t"))));
  bench.submit(job("new", pipeline(task("t"))));
  bench.submit(job("urgent", pipeline(task("t")), { priority: 10 }));
  expect(assigned(bench.join("n1", capacity(2)))).toEqual(["urgent.t.0.1@n1", "old.t.0.1@n1"]);
});

test("GPUs are whole and exclusive, CPU work stays off GPU nodes while others have room", () => {
  const bench = new Bench();
  bench.join("gpu", capacity(8, 2));
  bench.join("cpu", capacity(1));
  const batch = bench.submit(
    job("a", pipeline(task("g", { map: mapOver(3), resources: asks(1, { gpuMillis: 1000 }) }), task("c"))),
  );
  expect(assigned(batch)).toEqual(["a.g.0.1@gpu", "a.g.1.1@gpu", "a.c.0.1@cpu"]);
  expect(batch.assign.map(({ assignment }) => assignment.gpuUuids)).toEqual([["GPU-0"], ["GPU-1"], []]);
  expect(bench.end("gpu", key("a.g.0.1")).assign[0]?.assignment.gpuUuids).toEqual(["GPU-0"]);
});

test("a GPU that turns unhealthy gets no new work", () => {
  const bench = new Bench();
  const sick = { ...capacity(8, 2), gpus: capacity(8, 2).gpus.map((gpu, i) => ({ ...gpu, healthy: i === 1 })) };
  bench.join("gpu", sick);
  const batch = bench.submit(
    job("a", pipeline(task("g", { map: mapOver(2), resources: asks(1, { gpuMillis: 1000 }) }))),
  );
  expect(batch.assign.map(({ assignment }) => assignment.gpuUuids)).toEqual([["GPU-1"]]);
});

test("a lost node's tasks run again exactly once, elsewhere, after the lease and the skew", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t"))));
  bench.start("n1", key("a.t.0.1"));
  bench.join("n2");
  bench.nowMs += 20_000;
  bench.hear("n2");
  expect(assigned(bench.pass(10_999))).toEqual([]);
  const batch = bench.pass(1);
  expect(assigned(batch)).toEqual(["a.t.0.2@n2"]);
  expect(batch.nodes).toMatchObject([{ id: "n1", state: "lost" }]);
  expect(batch.ended).toMatchObject([{ state: "lost", report: { outcome: { reason: "node-lost" } } }]);
  expect(bench.hear("n1", [key("a.t.0.1")])).toMatchObject({ stop: [{ key: "a.t.0.1", reason: "fenced" }] });
});

test("when most nodes fall silent at once nothing is evicted", () => {
  const bench = new Bench();
  for (const name of ["n1", "n2", "n3"]) bench.join(name, capacity(1));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(3) }))));
  expect(bench.pass(31_000).ended).toEqual([]);
  for (const name of ["n1", "n2"]) bench.hear(name, [key(`a.t.${Number(name[1]) - 1}.1`)]);
  bench.nowMs += 15_000;
  for (const name of ["n1", "n2"]) bench.hear(name, [key(`a.t.${Number(name[1]) - 1}.1`)]);
  expect(bench.pass(15_000).ended).toMatchObject([{ node: { id: "n3" } }]);
});

test("an attempt that the node does not name is asked for, and replaced by another if the node has no record of it", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t"))));
  expect(bench.hear("n1")).toMatchObject({ query: [] });
  expect(bench.hear("n1")).toMatchObject({ query: ["a.t.0.1"] });
  bench.step({ kind: "attemptUnknown", node: N1, key: key("a.t.0.1") });
  expect(assigned(bench.settle())).toEqual(["a.t.0.2@n1"]);
  bench.start("n1", key("a.t.0.2"));
  bench.step({ kind: "attemptUnknown", node: N1, key: key("a.t.0.2") });
  expect(assigned(bench.settle())).toEqual(["a.t.0.3@n1"]);
});

test("cancel ends what waits at once, stops what runs, and the job is cancelled when it has stopped", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(2) }), task("after", { needs: ["t"] }))));
  bench.step({ kind: "jobCancelRequested", job: "a" as JobId, reason: "wrong data" });
  const batch = bench.settle();
  expect(rows(batch)).toEqual(["t.1#0 cancelled", "after.0#0 cancelled"]);
  expect(batch.stop).toMatchObject([{ node: "n1", order: { key: "a.t.0.1", reason: "cancelled" } }]);
  expect(bench.hear("n1", [key("a.t.0.1")])).toMatchObject({ stop: [{ key: "a.t.0.1" }] });
  expect(bench.end("n1", key("a.t.0.1"), { kind: "stopped", reason: "cancelled" }).jobs).toMatchObject([
    { state: "cancelled", reason: "cancelled: wrong data" },
  ]);
});

test("the same idempotency key gives the same job", () => {
  const bench = new Bench();
  bench.submit(job("a", pipeline(task("t")), { idempotencyKey: "k" }));
  expect(
    bench.step({ kind: "jobSubmitted", job: job("b", pipeline(task("t")), { idempotencyKey: "k" }) }),
  ).toMatchObject({ job: "a", existing: true });
  expect(bench.settle().jobsNew).toEqual([]);
});

test("a request that no node could ever satisfy is refused with the field, the value and the largest node", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4, 1));
  expect(
    bench.step({
      kind: "jobSubmitted",
      job: job("a", pipeline(task("t", { resources: asks(8, { gpuMillis: 2000 }) }))),
    }),
  ).toMatchObject({
    kind: "refused",
    issues: [
      { path: ["tasks", "t", "resources", "cpus"], message: "asks for 8 CPUs; the node with the most (n1) has 4" },
      { path: ["tasks", "t", "resources", "gpus"] },
    ],
  });
});

test("cordon keeps new work away, drain stops what runs without spending a retry, uncordon opens again", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(2) }))));
  bench.step({ kind: "nodeDrained", node: N1, reason: "" });
  expect(bench.settle().stop).toMatchObject([{ order: { key: "a.t.0.1", reason: "drained" } }]);
  const after = bench.end("n1", key("a.t.0.1"), { kind: "lost", reason: "drained" });
  expect(assigned(after)).toEqual([]);
  expect(explain(bench.state, "a" as JobId, "t", 0, bench.nowMs)).toMatchObject({
    reasons: [{ kind: "capacity", nodesFailing: { draining: 1 } }],
  });
  bench.step({ kind: "nodeUncordoned", node: N1, reason: "" });
  expect(assigned(bench.settle())).toEqual(["a.t.0.2@n1"]);
});

test("short tasks queue at the node ahead of room, and never hold more than the node has", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(500) }))));
  const batch = bench.end("n1", key("a.t.0.1"), SUCCEEDED, { startedAtMs: bench.nowMs - 1 });
  expect(assigned(batch).length).toBeGreaterThan(50);
  expect(bench.end("n1", key("a.t.1.1"), SUCCEEDED, { startedAtMs: bench.nowMs - 1 }).assign.length).toBe(1);
  bench.start("n1", key("a.t.5.1"));
});

test("a short task that still queues is taken back when another node has room", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(job("a", pipeline(task("t", { map: mapOver(4) }))));
  bench.end("n1", key("a.t.0.1"), SUCCEEDED, { startedAtMs: bench.nowMs - 1 });
  bench.step({ kind: "nodeJoined", node: "n2" as NodeId, name: "n2", labels: {}, address: "", capacity: capacity(2) });
  const batch = bench.pass(1000);
  expect(batch.stop.map(({ order }) => order.reason)).toEqual(["fenced", "fenced"]);
  expect(assigned(bench.end("n1", key("a.t.2.1"), { kind: "stopped", reason: "fenced" }))).toEqual(["a.t.2.2@n2"]);
});

test("a chain of 20,000 whose first task fails is skipped without running out of stack", () => {
  const bench = new Bench();
  bench.join("n1");
  const tasks = Array.from({ length: 20_000 }, (_, i) => task(`t${i}`, { needs: i === 0 ? [] : [`t${i - 1}`] }));
  bench.submit(job("a", pipeline(...tasks)));
  expect(bench.end("n1", key("a.t0.0.1"), FAILED).tasks.length).toBe(20_000);
});

test("a new leader goes on where the old one was", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(2)));
  saved.take(before.submit(job("a", pipeline(task("t", { map: mapOver(4) }), task("after", { needs: ["t"] })))));
  saved.take(before.start("n1", key("a.t.0.1")));
  saved.take(before.end("n1", key("a.t.1.1"), SUCCEEDED, { startedAtMs: 0 }));

  const after = saved.next(before);
  expect(assigned(after.settle())).toEqual([]);
  expect(after.hear("n1", [key("a.t.0.1"), key("a.t.2.1")])).toEqual({
    kind: "heard",
    stop: [],
    query: [],
    rejoin: false,
  });
  expect(assigned(after.end("n1", key("a.t.0.1")))).toEqual(["a.t.3.1@n1"]);
  after.end("n1", key("a.t.2.1"));
  expect(assigned(after.end("n1", key("a.t.3.1")))).toEqual(["a.after.0.1@n1"]);
});
