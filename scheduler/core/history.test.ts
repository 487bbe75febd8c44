import { expect, test } from "vitest";
import type { PastAttempt } from "../../lib/core/execution.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import { asks, Bench, capacity, flow, job, key, mapOver, pipeline, task } from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import { newReasonBook, pageOf } from "./reason-book.ts";
import { attemptKeysOf, explain, historyOf, historySinceMs } from "./index.ts";

const START_MS = 1_000_000;
const why = (bench: Bench, id: string, name = "t") => explain(bench.state, id as JobId, name, 0, bench.nowMs)!;

/** Seconds since the beginning, state, kind and message of each entry. */
function story(bench: Bench, id: string, name = "t", attempts: readonly PastAttempt[] = []): string[] {
  const seconds = (ms: number) => (ms - START_MS) / 1000;
  return historyOf(bench.state, id as JobId, name, 0, attempts)!.map(
    ({ fromMs, toMs, state, kind, message }) => `${seconds(fromMs)}-${seconds(toMs)} ${state} ${kind}: ${message}`,
  );
}

const one = (cpus: number, parts: Parameters<typeof task>[1] = {}) =>
  pipeline(task("t", { resources: asks(cpus), ...parts }));

const CASES: [string, string, (bench: Bench) => void, PipelineSpec][] = [
  ["no_nodes", "no node has joined", () => {}, one(1)],
  [
    "capacity",
    "of 2 nodes, cpus: 2 stand in the way",
    (bench) => {
      bench.join("n1");
      bench.join("n2");
      bench.submit(job("other", pipeline(task("t", { resources: asks(4), map: mapOver(2) }))));
    },
    one(2),
  ],
  ["unsatisfiable", "do not have what it asks for, even when empty", (bench) => bench.join("n1", capacity(1)), one(4)],
  [
    "quota",
    "project default holds 1 of its quota of 1 CPUs, and it asks for 2",
    (bench) => {
      bench.join("n1");
      const quota = { cpuMillis: 1000, memoryBytes: null, gpuMillis: null };
      bench.step({ kind: "projectChanged", settings: { name: "default", weight: 1, quota } });
      bench.submit(job("other", one(1)));
    },
    one(2),
  ],
  [
    "gang",
    "its gang of 3 is short of 2 nodes; of 3 nodes, cpus: 2 stand in the way",
    (bench) => {
      for (const name of ["n1", "n2", "n3"]) bench.join(name);
      bench.submit(job("other", pipeline(task("t", { resources: asks(4), map: mapOver(2) }))));
    },
    one(4, { nodes: 3 }),
  ],
  [
    "concurrency",
    'the job waits for concurrency group "default/test", which job other holds',
    (bench) => {
      bench.join("n1");
      bench.submit(job("other", { ...one(1), concurrency: { group: "", policy: "queue", limit: 1 } }));
    },
    { ...one(1), concurrency: { group: "", policy: "queue", limit: 1 } },
  ],
  [
    "dependency",
    "first has not ended yet",
    (bench) => bench.join("n1"),
    pipeline(task("first"), task("t", { needs: ["first"] })),
  ],
  [
    "approval",
    "waits for approval by ann; in 1h it fails",
    (bench) => bench.join("n1"),
    pipeline(
      task("t", {
        run: { kind: "command", argv: [] },
        flow: flow({ approve: { by: ["ann"], timeoutMs: 3_600_000, message: "" } }),
      }),
    ),
  ],
];

test.each(CASES)("a task that waits says why: %s", (kind, message, prepare, spec) => {
  const bench = new Bench();
  prepare(bench);
  bench.step({ kind: "jobSubmitted", job: job("a", spec) });
  if (kind === "unsatisfiable") {
    // It is refused where that can be known, and waits when it was accepted before: the node shrank.
    expect(bench.state.jobs.has("a" as JobId)).toBe(false);
    bench.join("n2");
    bench.step({ kind: "nodeHeard", node: "n1" as NodeId, capacity: capacity(1), active: [], leaving: false });
    bench.step({ kind: "nodeCordoned", node: "n2" as NodeId, reason: "" });
    bench.step({ kind: "jobSubmitted", job: job("a", spec) });
    bench.step({ kind: "nodeHeard", node: "n2" as NodeId, capacity: capacity(2), active: [], leaving: false });
  }
  bench.settle();
  const [reason] = why(bench, "a").reasons;
  expect([reason!.kind, reason!.message]).toEqual([kind, expect.stringContaining(message)]);
});

test("nodes that are kept for others are named as such", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("running", pipeline(task("t", { resources: asks(3), timeoutMs: 600_000 }))));
  bench.submit(job("large", one(4)));
  for (let i = 0; i < 4; i += 1) {
    bench.pass(20_000);
    bench.hear("n1", [key("running.t.0.1")]);
  }
  bench.submit(job("small", one(1)));
  bench.settle();
  const [reason] = why(bench, "small").reasons;
  expect(reason).toMatchObject({
    kind: "reservation",
    message:
      "1 node has room for it, and is kept for work that has waited for longer or goes first (project default, priority 0)",
    nodesFailing: { reserved: 1 },
  });
});

test("what a task waited for is told in order: its group, what it needs, room, and each attempt", () => {
  const bench = new Bench();
  bench.join("n1", capacity(2));
  const group = { group: "g", policy: "queue", limit: 1 } as const;
  bench.submit(job("before", { ...one(1), concurrency: group }));
  const spec = pipeline(task("x"), task("y"), task("t", { needs: ["x", "y"], resources: asks(2) }));
  bench.submit(job("a", { ...spec, concurrency: group }));
  bench.pass(10_000);
  bench.end("n1", key("before.t.0.1"));
  bench.pass(5_000);
  bench.end("n1", key("a.x.0.1"));
  bench.submit(job("hog", one(1)));
  bench.pass(5_000);
  bench.end("n1", key("a.y.0.1"));
  bench.pass(5_000);
  expect(why(bench, "a").reasons).toMatchObject([{ kind: "capacity", nodesFailing: { cpus: 1 } }]);
  expect(story(bench, "a")).toEqual([
    "0-10 pending concurrency: the job waited for its concurrency group",
    "10-15 pending dependency: waited for x, and 1 more to end",
    "15-20 pending dependency: waited for y to end",
  ]);
  bench.hear("n1", [key("hog.t.0.1")]);
  bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
  bench.pass(1_000);
  bench.pass(4_000);
  bench.step({ kind: "nodeUncordoned", node: "n1" as NodeId, reason: "" });
  bench.end("n1", key("hog.t.0.1"));
  const first: PastAttempt = {
    attempt: 1,
    startedAtMs: bench.nowMs + 1_000,
    endedAtMs: bench.nowMs + 2_000,
    state: "lost",
    node: "n1",
    reason: "node-lost",
    message: "gone",
  };
  expect(story(bench, "a", "t", [first]).slice(3)).toEqual([
    "20-26 ready capacity: waits for capacity; of 1 nodes, cpus: 1 stand in the way",
    "26-30 ready capacity: waits for capacity; of 1 nodes, cordoned: 1 stand in the way",
    "31-32 lost attempt: attempt 1 on node n1 lost (node-lost: gone)",
  ]);
});

test("one that went to its node with others waited until then, and no longer", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
  bench.submit(job("a", one(1, { map: mapOver(12) })));
  bench.pass(2_000);
  bench.step({ kind: "nodeUncordoned", node: "n1" as NodeId, reason: "" });
  const keysOf = (index: number) => attemptKeysOf(bench.state, "a" as JobId, "t", index);
  bench.settle();
  expect(bench.state.jobs.get("a" as JobId)!.tasks[0]!.instances).toBe(null);
  bench.pass(3_000);
  bench.hear(
    "n1",
    [0, 1, 2, 3].map((index) => key(`a.t.${index}.1`)),
  );
  bench.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
  bench.pass(2_000);
  const waited = "0-2 ready capacity: waits for capacity; of 1 nodes, cordoned: 1 stand in the way";
  expect(story(bench, "a")).toEqual([waited]);
  bench.end("n1", key("a.t.0.1"));
  const atMs = START_MS + 7_000;
  const run: PastAttempt = {
    attempt: 1,
    startedAtMs: atMs - 1_000,
    endedAtMs: atMs,
    state: "succeeded",
    node: "n1",
    reason: "",
    message: "",
  };
  bench.pass(2_000);
  expect([keysOf(0), keysOf(1), keysOf(11)]).toEqual([["a.t.0.1"], ["a.t.1.1"], []]);
  expect(story(bench, "a", "t", [run]).at(-1)).toBe("6-7 succeeded attempt: attempt 1 on node n1 succeeded");
});

test("a new leader knows what the store knows, and says since when it knows the rest", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1", capacity(1)));
  saved.take(before.submit(job("a", pipeline(task("x"), task("t", { needs: ["x"], resources: asks(1) })))));
  saved.take(before.pass(7_000));
  before.step({ kind: "nodeCordoned", node: "n1" as NodeId, reason: "" });
  saved.take(before.end("n1", key("a.x.0.1")));
  const after = saved.next(before, 3_000);
  after.settle();
  expect(why(after, "a")).toMatchObject({ state: "ready", sinceMs: START_MS + 7_000, reasons: [{ kind: "capacity" }] });
  expect(story(after, "a")).toEqual(["0-7 pending dependency: waited for x to end"]);
  expect(historySinceMs(after.state)).toBe(START_MS + 10_000);
});

test("of a class that changes all the time so many reasons are kept, and of so many classes", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("hog", one(4)));
  bench.submit(job("a", one(1, { map: mapOver(100_000) })));
  for (let i = 0; i < 60; i += 1) {
    const kind = i % 2 === 0 ? "nodeCordoned" : "nodeUncordoned";
    bench.step({ kind, node: "n1" as NodeId, reason: "" });
    bench.pass(2_000);
    bench.hear("n1", [key("hog.t.0.1")]);
  }
  expect(story(bench, "a").length).toBeLessThanOrEqual(50);
  expect(story(bench, "a").length).toBeGreaterThan(40);
  const book = newReasonBook();
  for (let i = 0; i < 1_100; i += 1) pageOf(book, `class ${i}`);
  expect([book.pages.size, book.pages.has("class 99"), book.pages.has("class 100")]).toEqual([1_000, false, true]);
});
