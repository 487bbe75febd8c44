import { expect, test } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import type { ServiceSpec } from "../../lib/core/pipeline/service.ts";
import { restore } from "./index.ts";
import type { Batch, JobRow, TaskRow } from "./batch.ts";
import {
  assigned,
  Bench,
  capacity,
  FAILED,
  job,
  key,
  pipeline,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";

const SERVICE: ServiceSpec = {
  port: 8080,
  readiness: null,
  liveness: null,
  restart: "onFailure",
  backoffMs: 1_000,
  backoffMsMax: 8_000,
};
const service = (name: string, parts: Partial<ServiceSpec> = {}, more: Parameters<typeof task>[1] = {}) =>
  task(name, { service: { ...SERVICE, ...parts }, ...more });

function ready(bench: Bench, text: string, isReady = true, message = "", atMs = bench.nowMs): Batch {
  const report = { kind: "ready", key: key(text), atMs, ready: isReady, message } as const;
  bench.step({ kind: "attemptReady", node: "n1" as NodeId, report });
  return bench.settle();
}

function begun(...tasks: Parameters<typeof pipeline>): Bench {
  const bench = new Bench();
  bench.join("n1", capacity(8));
  bench.submit(job("a", pipeline(...tasks)));
  return bench;
}

test("who needs a service starts when it is ready, is told where it is, and the service is stopped when nothing else is left", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  expect(assigned(bench.start("n1", key("a.db.0.1")))).toEqual([]);
  const served = ready(bench, "a.db.0.1");
  expect(assigned(served)).toEqual(["a.use.0.1@n1"]);
  expect(served.assign[0]!.assignment.env).toMatchObject({ WEFT_SERVICE_DB: "127.0.0.1:8080" });
  expect(rows(served)).toEqual(["db.0#1 running", "use.0#1 assigned"]);
  const done = bench.end("n1", key("a.use.0.1"));
  expect(done.stop).toMatchObject([{ node: "n1", order: { key: "a.db.0.1", reason: "finished" } }]);
  expect(done.jobs).toEqual([]);
  const last = bench.end("n1", key("a.db.0.1"), { kind: "stopped", reason: "finished" });
  expect(rows(last)).toEqual(["db.0#1 succeeded"]);
  expect(last.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("a job whose other tasks failed ends as failed when its services have stopped, whatever they say at the end", () => {
  const bench = begun(service("db"), task("use"));
  bench.start("n1", key("a.db.0.1"));
  bench.end("n1", key("a.use.0.1"), FAILED);
  const last = bench.end("n1", key("a.db.0.1"), FAILED);
  expect(rows(last)).toEqual(["db.0#1 succeeded"]);
  expect(last.jobs).toMatchObject([{ state: "failed" }]);
});

test("services that wait for a machine, or for their restart, end with the job", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(job("a", pipeline(service("crash"), task("use"), service("late"))));
  bench.start("n1", key("a.crash.0.1"));
  expect(assigned(bench.end("n1", key("a.crash.0.1"), FAILED))).toEqual(["a.use.0.1@n1"]);
  const last = bench.end("n1", key("a.use.0.1"));
  expect(rows(last)).toEqual(["use.0#1 succeeded", "crash.0#1 succeeded", "late.0#0 skipped"]);
  expect(last.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("a job of services alone runs on until it is cancelled", () => {
  const bench = begun(service("one"), service("two"));
  for (const name of ["one", "two"]) {
    bench.start("n1", key(`a.${name}.0.1`));
    expect(ready(bench, `a.${name}.0.1`).stop).toEqual([]);
  }
  bench.step({ kind: "jobCancelRequested", job: job("a", pipeline()).id, reason: "" });
  expect(bench.settle().stop.map(({ order }) => order.reason)).toEqual(["cancelled", "cancelled"]);
  bench.end("n1", key("a.one.0.1"), { kind: "stopped", reason: "cancelled" });
  expect(bench.end("n1", key("a.two.0.1")).jobs).toMatchObject([{ state: "cancelled" }]);
});

test("a failure is followed by a restart; the wait doubles up to the most, and begins anew after a steady run", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 6; attempt += 1) {
    bench.start("n1", key(`a.db.0.${attempt}`));
    const ranMs = attempt === 6 ? 700_000 : 5;
    const [row] = bench.end("n1", key(`a.db.0.${attempt}`), FAILED, { startedAtMs: bench.nowMs - ranMs }).tasks;
    waits.push(row!.notBeforeMs! - bench.nowMs);
    expect(row).toMatchObject({ state: "ready", failures: 0, service: { restarts: attempt, ready: false } });
    expect(assigned(bench.pass(waits.at(-1)!))).toEqual([`a.db.0.${attempt + 1}@n1`]);
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 1_000]);
});

test("an end in order is restarted by `always` alone, and a failure by all but `never`", () => {
  const left = (restart: ServiceSpec["restart"], outcome = SUCCEEDED) => {
    const bench = begun(service("db", { restart }), task("use"));
    bench.start("n1", key("a.db.0.1"));
    return bench.end("n1", key("a.db.0.1"), outcome).tasks[0]!.state;
  };
  expect([left("always"), left("onFailure"), left("never")]).toEqual(["ready", "succeeded", "succeeded"]);
  expect([left("always", FAILED), left("onFailure", FAILED), left("never", FAILED)]).toEqual([
    "ready",
    "ready",
    "failed",
  ]);
});

test("a service whose time is over has served, with what it made", () => {
  const bench = begun(service("notebook"));
  bench.start("n1", key("a.notebook.0.1"));
  const outputs = [{ name: "o", digest: `sha256:${"0".repeat(64)}`, kind: "file", bytes: 1, fileName: "o" }] as never;
  const last = bench.end("n1", key("a.notebook.0.1"), { kind: "failed", reason: "timeout" }, { outputs });
  expect(last.tasks).toMatchObject([{ state: "succeeded", outputs: [{ name: "o" }] }]);
  expect(last.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("one that ends for good before it was ready fails, and what needs it is skipped", () => {
  const bench = begun(service("db", { restart: "never" }), task("use", { needs: ["db"] }));
  bench.start("n1", key("a.db.0.1"));
  const last = bench.end("n1", key("a.db.0.1"));
  expect(rows(last)).toEqual(["db.0#1 failed", "use.0#0 skipped"]);
  expect(last.tasks[0]!.message).toContain("ended before it was ready, and use needs it");
  expect(last.jobs).toMatchObject([{ state: "failed" }]);
});

test("losses of the machine are no restarts, and its dependents go on", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  bench.start("n1", key("a.db.0.1"));
  ready(bench, "a.db.0.1");
  const lost = bench.end("n1", key("a.db.0.1"), { kind: "lost", reason: "node-stopped" });
  expect(assigned(lost)).toEqual(["a.db.0.2@n1"]);
  expect(lost.tasks.find((row) => row.task === "db")).toMatchObject({
    losses: 1,
    service: { restarts: 0, ready: false },
  });
  expect(bench.end("n1", key("a.use.0.1")).stop).toMatchObject([{ order: { key: "a.db.0.2", reason: "finished" } }]);
});

test("an older word about readiness changes nothing, and neither does the same one", () => {
  const bench = begun(service("db"), task("use"));
  bench.start("n1", key("a.db.0.1"));
  ready(bench, "a.db.0.1");
  expect(rows(ready(bench, "a.db.0.1", false, "old", bench.nowMs - 10))).toEqual([]);
  expect(rows(ready(bench, "a.db.0.1"))).toEqual([]);
  bench.nowMs += 10;
  expect(ready(bench, "a.db.0.1", false, "503").tasks).toMatchObject([{ service: { ready: false, message: "503" } }]);
});

test("a word about readiness before that of the start stands for both", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  expect(rows(ready(bench, "a.db.0.1"))).toEqual(["db.0#1 running", "use.0#1 assigned"]);
});

test("a new leader knows which services were ready, and stops those that nobody needs any more", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  bench.start("n1", key("a.db.0.1"));
  const row: JobRow = {
    ...job("a", bench.state.jobs.get(job("a", pipeline()).id)!.spec),
    pipeline: "test",
    project: "default",
    submittedAtMs: 1,
  };
  const progress = {
    id: row.id,
    state: "running",
    startedAtMs: 1,
    finishedAtMs: null,
    cancelRequested: false,
    reason: "",
  } as const;
  const node = {
    id: "n1" as NodeId,
    name: "n1",
    state: "ready",
    labels: {},
    address: "n1",
    capacity: capacity(8),
    era: 0,
  } as const;
  const settings = bench.state.nodes.get(node.id)!.settings;
  const rebuilt = (tasks: readonly TaskRow[]): Bench => {
    const rowsOf = {
      jobs: [{ row, progress }],
      tasks,
      maps: [],
      nodes: [{ ...node, settings }],
      projects: [],
      rates: [],
    };
    return new Bench({}, restore(bench.state.config, rowsOf, bench.nowMs));
  };
  const served = ready(bench, "a.db.0.1").tasks.filter((each) => each.task === "db");
  expect(assigned(rebuilt(served).settle())).toEqual(["a.use.0.1@n1"]);
  const done = bench.end("n1", key("a.use.0.1")).tasks;
  expect(rebuilt([...served, ...done]).settle().stop).toMatchObject([
    { order: { key: "a.db.0.1", reason: "finished" } },
  ]);
});

test("the word of an attempt counts, also when the clock of the node before it was ahead", () => {
  const bench = begun(service("db"), task("use", { needs: ["db"] }));
  bench.start("n1", key("a.db.0.1"));
  bench.end("n1", key("a.db.0.1"), FAILED, { endedAtMs: bench.nowMs + 600_000 });
  bench.pass(1_000);
  bench.start("n1", key("a.db.0.2"));
  expect(assigned(ready(bench, "a.db.0.2"))).toEqual(["a.use.0.1@n1"]);
});
