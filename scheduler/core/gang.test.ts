import { expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import {
  asks,
  assigned,
  Bench,
  FAILED,
  job,
  key,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";

const member = (index: number, attempt = 1): AttemptKey => key(`a.t.${index}.${attempt}`);
const NODES = ["n0", "n1", "n2"];

/** Which node each member of the attempt is on. */
function places(batch: ReturnType<Bench["settle"]>): Map<number, string> {
  return new Map(batch.assign.map(({ node, assignment }) => [assignment.ref.index, node]));
}

/** The steps of a gang's start and end, each told by member 0 or 1, after which the machine of member 1 dies. */
const STEPS: [string, (bench: Bench, on: (index: number) => string) => void][] = [
  ["none has started", () => {}],
  ["the other has started", (bench, on) => bench.start(on(0), member(0))],
  ["its own member has started, the other has not", (bench, on) => bench.start(on(1), member(1))],
  [
    "both run",
    (bench, on) => {
      bench.start(on(0), member(0));
      bench.start(on(1), member(1));
    },
  ],
  [
    "the other has succeeded",
    (bench, on) => {
      bench.start(on(0), member(0));
      bench.start(on(1), member(1));
      bench.end(on(0), member(0), SUCCEEDED);
    },
  ],
  [
    "the other could not start",
    (bench, on) => bench.end(on(0), member(0), { kind: "lost", reason: "disk-full" }, { startedAtMs: null }),
  ],
];

test.each(STEPS)(
  "a machine of a gang dies when %s: all members run again, on machines that live, and no retry is spent",
  (_, step) => {
    const bench = new Bench();
    for (const node of NODES) bench.join(node);
    const first = places(bench.submit(job("a", pipeline(task("t", { nodes: 2, resources: asks(4) })))));
    expect(first.size).toBe(2);
    const on = (index: number) => first.get(index)!;
    step(bench, on);
    const alive = NODES.filter((node) => node !== on(1));
    // Those that live are heard; what they were told to stop has stopped.
    const stopped = bench.pass(20_000);
    const held = bench.state.nodes.get(on(0) as never)!.attempts.has(member(0));
    for (const node of alive) bench.hear(node, held && node === on(0) ? [member(0)] : []);
    let last = bench.pass(11_001);
    const told = [...stopped.stop, ...last.stop].some(({ order }) => order.key === member(0));
    if (told) last = bench.end(on(0), member(0), { kind: "stopped", reason: "gang" });
    for (let i = 0; i < 10 && last.assign.length === 0; i += 1) {
      for (const node of alive) bench.hear(node);
      last = bench.pass(5_000);
    }
    const keys = new Set(assigned(last).map((text) => text.split("@")[0]));
    expect(keys).toEqual(new Set([member(0, 2), member(1, 2)]));
    expect([...places(last).values()].toSorted()).toEqual(alive.toSorted());
    for (const [index, node] of places(last)) bench.end(node, member(index, 2));
    expect(bench.state.jobs.size).toBe(0);
  },
);

test("a new leader in the middle of a gang's start goes on with it, and its machine may die then", () => {
  const before = new Bench();
  const saved = new Saved();
  for (const node of NODES) saved.take(before.join(node));
  const batch = before.submit(job("a", pipeline(task("t", { nodes: 2, resources: asks(4) }))));
  saved.take(batch);
  const first = places(batch);
  saved.take(before.start(first.get(0)!, member(0)));
  const after = saved.next(before);
  const alive = NODES.filter((node) => node !== first.get(1));
  after.pass(20_000);
  for (const node of alive) after.hear(node, node === first.get(0) ? [member(0)] : []);
  const lost = after.pass(11_001);
  expect(lost.stop).toMatchObject([{ node: first.get(0), order: { key: member(0), reason: "gang" } }]);
  const again = after.end(first.get(0)!, member(0), { kind: "stopped", reason: "gang" });
  expect([...places(again).values()].toSorted()).toEqual(alive.toSorted());
});

test("a member that fails while another has not started fails the attempt once, and spends one retry of all", () => {
  const bench = new Bench();
  for (const node of NODES) bench.join(node);
  const spec = pipeline(task("t", { nodes: 2, resources: asks(4), retries: retriesOf({ limit: 1 }) }));
  const first = places(bench.submit(job("a", spec)));
  bench.end(first.get(1)!, member(1), FAILED);
  const second = places(bench.end(first.get(0)!, member(0), { kind: "stopped", reason: "gang" }));
  expect(second.size).toBe(2);
  bench.end(second.get(1)!, member(1, 2), FAILED);
  const last = bench.end(second.get(0)!, member(0, 2), { kind: "stopped", reason: "gang" });
  expect(rows(last).toSorted()).toEqual(["t.0#2 failed", "t.1#2 failed"]);
});

test("a gang of more members than there are nodes is refused at submit", () => {
  const bench = new Bench();
  for (const node of NODES) bench.join(node);
  const spec = pipeline(task("t", { nodes: 4, resources: asks(4) }));
  expect(bench.step({ kind: "jobSubmitted", job: job("a", spec) })).toMatchObject({
    kind: "refused",
    issues: [{ path: ["tasks", "t", "nodes"], message: "asks for 4 nodes at once; 3 of the cluster's 3 could run it" }],
  });
});
