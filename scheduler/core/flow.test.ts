import { expect, test } from "vitest";
import { Saved } from "../../test/support/saved.ts";
import type { JobId } from "../../lib/core/ids.ts";
import {
  assigned,
  Bench,
  FAILED,
  flow,
  job,
  key,
  mapOver,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";

const after = (name: string, needs: string[], when: "succeeded" | "always" | "failed" = "succeeded") =>
  task(name, { needs, flow: flow({ when }) });

test("an always task runs after what it needs has ended, however, and the job still fails", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("bad"), after("clean", ["bad"], "always"))));
  expect(assigned(bench.end("n1", key("a.bad.0.1"), FAILED, { message: "exit code 1" }))).toEqual(["a.clean.0.1@n1"]);
  expect(bench.end("n1", key("a.clean.0.1")).jobs).toMatchObject([{ state: "failed", reason: "bad: exit code 1" }]);
});

test("an always task waits for all that is before it, also behind a task that is skipped", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(
    job("a", pipeline(task("bad"), task("slow"), after("both", ["bad", "slow"]), after("clean", ["both"], "always"))),
  );
  const first = bench.end("n1", key("a.bad.0.1"), FAILED);
  expect(rows(first)).toEqual(["bad.0#1 failed"]);
  const second = bench.end("n1", key("a.slow.0.1"));
  expect(rows(second)).toEqual(["slow.0#1 succeeded", "both.0#0 skipped", "clean.0#1 assigned"]);
});

test("a task for failures runs when something before it failed, at any distance, and is skipped when nothing has", () => {
  const bench = new Bench();
  bench.join("n1");
  const spec = pipeline(task("first"), after("second", ["first"]), after("alarm", ["second"], "failed"));
  bench.submit(job("a", spec));
  expect(assigned(bench.end("n1", key("a.first.0.1"), FAILED))).toEqual(["a.alarm.0.1@n1"]);
  expect(bench.end("n1", key("a.alarm.0.1")).jobs).toMatchObject([{ state: "failed" }]);
  bench.submit(job("b", spec));
  bench.end("n1", key("b.first.0.1"));
  const last = bench.end("n1", key("b.second.0.1"));
  expect(rows(last)).toEqual(["second.0#1 succeeded", "alarm.0#0 skipped"]);
  expect(last.jobs).toMatchObject([{ state: "succeeded" }]);
});

test("what needs a skipped task is skipped, and the job succeeds", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("ok"), after("alarm", ["ok"], "failed"), after("next", ["alarm"]))));
  const last = bench.end("n1", key("a.ok.0.1"));
  expect(last.tasks.map(({ message }) => message)).toEqual([
    "",
    "runs when something before it fails, and nothing has",
    "needs alarm, which was skipped",
  ]);
  expect(last.jobs).toMatchObject([{ state: "succeeded", reason: "" }]);
});

test("a share of the instances may fail: the task counts as succeeded, and one more makes it fail", () => {
  const bench = new Bench();
  bench.join("n1");
  const many = task("many", { map: mapOver(4), flow: flow({ tolerate: { count: 0, share: 0.3 } }) });
  for (const [id, bad] of [
    ["a", 1],
    ["b", 2],
  ] as const) {
    bench.submit(job(id, pipeline(many, after("gather", ["many"]))));
    for (let i = 0; i < 3; i += 1) bench.end("n1", key(`${id}.many.${i}.1`), i < bad ? FAILED : SUCCEEDED);
    const last = bench.end("n1", key(`${id}.many.3.1`));
    expect(rows(last)[1]).toBe(bad === 1 ? "gather.0#1 assigned" : "gather.0#0 skipped");
    if (bad === 2) {
      const reason = "more than the 1 tolerated of 4 instances failed; many[1]: exit";
      expect(last.jobs).toMatchObject([{ state: "failed", reason }]);
    } else expect(bench.end("n1", key("a.gather.0.1")).jobs).toMatchObject([{ state: "succeeded", reason: "" }]);
  }
});

test("a cancelled job runs nothing more, not even what always runs", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t"), after("clean", ["t"], "always"))));
  bench.step({ kind: "jobCancelRequested", job: "a" as JobId, reason: "" });
  bench.settle();
  const last = bench.end("n1", key("a.t.0.1"), { kind: "stopped", reason: "cancelled" });
  expect(last.assign).toEqual([]);
  expect(last.jobs).toMatchObject([{ state: "cancelled" }]);
});

test("retries go by exit code or by reason", () => {
  const bench = new Bench();
  bench.join("n1");
  const retries = retriesOf({ limit: 9, exitCodes: [75], reasons: ["timeout"] });
  bench.submit(job("a", pipeline(task("t", { retries }))));
  expect(assigned(bench.end("n1", key("a.t.0.1"), FAILED, { exitCode: 75 }))).toEqual(["a.t.0.2@n1"]);
  expect(assigned(bench.end("n1", key("a.t.0.2"), { kind: "failed", reason: "timeout" }))).toEqual(["a.t.0.3@n1"]);
  expect(rows(bench.end("n1", key("a.t.0.3"), FAILED, { exitCode: 1 }))).toEqual(["t.0#3 failed"]);
});

test("what loses its machine again and again is given up; what was drained is not counted", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("t", { retries: retriesOf({ crashes: 2 }) }))));
  for (let i = 1; i <= 10; i += 1) bench.end("n1", key(`a.t.0.${i}`), { kind: "lost", reason: "drained" });
  for (let i = 11; i <= 12; i += 1) bench.end("n1", key(`a.t.0.${i}`), { kind: "lost", reason: "lease-lost" });
  const last = bench.end("n1", key("a.t.0.13"), { kind: "lost", reason: "lease-lost" });
  expect(last.tasks).toMatchObject([{ state: "failed", losses: 13, crashes: 3 }]);
  expect(last.jobs[0]?.reason).toContain("given up after 3 losses");
});

const cel = (name: string, needs: string[], parts: Parameters<typeof flow>[0]) =>
  task(name, { needs, flow: flow(parts) });

test("a condition over results and parameters says whether a task runs", () => {
  const bench = new Bench();
  bench.join("n1");
  const good = cel("deploy", ["eval"], { if: "tasks.eval.result.accuracy > params.least" });
  const bad = cel("tell", ["eval"], { if: "tasks.eval.result.accuracy <= params.least" });
  bench.submit(job("a", pipeline(task("eval"), good, bad), { params: { least: 0.9 } }));
  const batch = bench.end("n1", key("a.eval.0.1"), SUCCEEDED, { result: { accuracy: 0.95 } });
  expect(rows(batch)).toEqual(["eval.0#1 succeeded", "tell.0#0 skipped", "deploy.0#1 assigned"]);
  expect(batch.tasks[0]?.result).toEqual({ accuracy: 0.95 });
  expect(bench.end("n1", key("a.deploy.0.1")).jobs).toMatchObject([{ state: "succeeded" }]);
});

test("a condition that cannot be told fails its task and says where", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(job("a", pipeline(task("eval"), cel("deploy", ["eval"], { if: "tasks.eval.result.acc > 1" }))));
  const batch = bench.end("n1", key("a.eval.0.1"), SUCCEEDED, { result: { accuracy: 1 } });
  expect(rows(batch)).toEqual(["eval.0#1 succeeded", "deploy.0#0 failed"]);
  const reason = 'deploy: its condition (tasks.eval.result.acc > 1) cannot be told: No such key: acc, at "acc"';
  expect(batch.jobs).toMatchObject([{ state: "failed", reason }]);
  bench.submit(job("b", pipeline(task("eval"), cel("deploy", ["eval"], { if: "tasks.eval.result" }))));
  const text = bench.end("n1", key("b.eval.0.1"), SUCCEEDED, { result: "yes" });
  expect(text.jobs[0]?.reason).toContain("gives yes; true or false would be right");
});

test("a task runs for each element of a list that another has written, and templates name results", () => {
  const bench = new Bench();
  bench.join("n1");
  const run = {
    kind: "command" as const,
    argv: ["fit", "{{ map.file }}", "{{ map.size }}", "{{ tasks.list.result.of }}"],
  };
  const mapFrom = { from: "tasks.list.result.files.filter(f, f.size > 1)", as: ["file", "size"] };
  const fit = task("fit", { needs: ["list"], run, flow: flow({ mapFrom }) });
  const best = cel("best", ["fit"], { if: "tasks.fit.count == 2 && tasks.fit.result[1] == 7" });
  const first = bench.submit(job("a", pipeline(task("list"), fit, best)));
  expect(first.maps).toEqual([]);
  const files = [
    { file: "x", size: 1 },
    { file: "y", size: 2 },
    { file: "z", size: [3] },
  ];
  const batch = bench.end("n1", key("a.list.0.1"), SUCCEEDED, { result: { files: files.slice(0, 2), of: "me" } });
  expect(batch.maps).toEqual([{ job: "a", task: "fit", count: 1, values: ["y", 2] }]);
  expect(batch.assign[0]?.assignment).toMatchObject({
    run: { argv: ["fit", "y", "2", "me"] },
    env: { WEFT_MAP_FILE: "y", WEFT_MAP_SIZE: "2" },
  });
  bench.submit(
    job(
      "b",
      pipeline(task("list"), { ...fit, flow: flow({ mapFrom: { ...mapFrom, from: "tasks.list.result.files" } }) }),
    ),
  );
  const wrong = bench.end("n1", key("b.list.0.1"), SUCCEEDED, { result: { files, of: 1 } });
  expect(assigned(wrong)).toEqual(["b.fit.0.1@n1", "b.fit.1.1@n1", "b.fit.2.1@n1"]);
  expect(wrong.assign[2]?.assignment.run).toEqual({ kind: "command", argv: ["fit", "z", "[3]", "1"] });
});

test.each([
  [7, "it gives 7; a list would be right"],
  [{ a: 1 }, "it gives a map; a list would be right"],
  ["x", 'it gives "x"; a list would be right'],
  [null, "it gives null; a list would be right"],
  [["a".repeat(20_000)], "element 0 has 20000 bytes"],
  [Array.from({ length: 100_001 }, () => 0), "it gives a list of 100001; at most 100000 instances are allowed"],
])("a map over %j fails its task and says why", (result, message) => {
  const bench = new Bench();
  bench.join("n1");
  const fit = cel("fit", ["list"], {
    mapFrom: { from: "tasks.list.result", as: ["item"] },
    tolerate: { count: 0, share: 1 },
  });
  bench.submit(job("a", pipeline(task("list"), fit)));
  const batch = bench.end("n1", key("a.list.0.1"), SUCCEEDED, { result });
  expect(rows(batch)).toEqual(["list.0#1 succeeded", "fit.0#0 failed"]);
  expect(batch.jobs[0]).toMatchObject({ state: "failed" });
  expect(batch.jobs[0]?.reason).toContain(`fit: it cannot map over tasks.list.result: ${message}`);
});

test("an empty list is done at once, and what follows runs", () => {
  const bench = new Bench();
  bench.join("n1");
  const fit = cel("fit", ["list"], { mapFrom: { from: "tasks.list.result", as: ["item"] } });
  const gather = cel("gather", ["fit"], { if: "tasks.fit.count == 0 && tasks.fit.state == 'succeeded'" });
  bench.submit(job("a", pipeline(task("list"), fit, gather)));
  const batch = bench.end("n1", key("a.list.0.1"), SUCCEEDED, { result: [] });
  expect(rows(batch)).toEqual(["list.0#1 succeeded", "fit.0#0 skipped", "gather.0#1 assigned"]);
});

test("a template whose result is not there fails the task before it starts", () => {
  const bench = new Bench();
  bench.join("n1");
  const use = task("use", { needs: ["make"], run: { kind: "command", argv: ["x", "{{ tasks.make.result.n }}"] } });
  bench.submit(job("a", pipeline(task("make"), use)));
  const batch = bench.end("n1", key("a.make.0.1"), SUCCEEDED, { message: "the result is no JSON" });
  expect(batch.jobs).toMatchObject([
    { state: "failed", reason: "use: there is no tasks.make.result.n (the result is no JSON)" },
  ]);
});

test("100,000 instances come out of a list", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(
    job("a", pipeline(task("list"), cel("fit", ["list"], { mapFrom: { from: "tasks.list.result", as: ["i"] } }))),
  );
  const result = Array.from({ length: 100_000 }, (_, i) => i);
  const batch = bench.end("n1", key("a.list.0.1"), SUCCEEDED, { result, startedAtMs: 0 });
  expect(batch.maps[0]?.count).toBe(100_000);
  expect(bench.end("n1", key("a.fit.0.1")).assign[0]?.assignment.env["WEFT_MAP_I"]).toBe("4");
});

test("a new leader has the same list, condition and results as the old one", () => {
  const before = new Bench();
  const saved = new Saved();
  saved.take(before.join("n1"));
  const fit = cel("fit", ["list"], { mapFrom: { from: "tasks.list.result", as: ["i"] } });
  const sum = cel("sum", ["fit", "list"], { if: "tasks.fit.result[1] == 'b' && size(tasks.list.result) == 2" });
  saved.take(before.submit(job("a", pipeline(task("list"), fit, sum))));
  saved.take(before.end("n1", key("a.list.0.1"), SUCCEEDED, { result: ["x", "y"] }));
  saved.take(before.end("n1", key("a.fit.1.1"), SUCCEEDED, { result: "b" }));
  const after = saved.next(before);
  after.hear("n1", [key("a.fit.0.1")]);
  const task1 = after.state.jobs.get("a" as JobId)!.tasks[1]!;
  expect([task1.count, task1.values]).toEqual([2, ["x", "y"]]);
  expect(assigned(after.end("n1", key("a.fit.0.1")))).toEqual(["a.sum.0.1@n1"]);
});

const joining = (name: string, needs: string[]) =>
  task(name, {
    needs,
    run: { kind: "command", argv: [] },
    flow: flow({ when: "always", join: true }),
    resources: { cpuMillis: 9_000_000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
  });

test("a task that stands for a pipeline asks for no node, waits for all of it, and fails when one of it failed", () => {
  const bench = new Bench();
  bench.join("n1");
  const inner = [task("p-a"), after("p-b", ["p-a"]), after("p-clean", ["p-a"], "always")];
  const outer = [joining("p", ["p-a", "p-b", "p-clean"]), after("next", ["p"]), after("alarm", ["p"], "failed")];
  bench.submit(job("a", pipeline(...inner, ...outer)));
  expect(rows(bench.end("n1", key("a.p-a.0.1"), FAILED))).toEqual([
    "p-a.0#1 failed",
    "p-b.0#0 skipped",
    "p-clean.0#1 assigned",
  ]);
  const last = bench.end("n1", key("a.p-clean.0.1"));
  expect(rows(last)).toEqual(["p-clean.0#1 succeeded", "p.0#0 failed", "next.0#0 skipped", "alarm.0#1 assigned"]);
  expect(last.tasks.find(({ task: name }) => name === "p")).toMatchObject({
    reason: "pipeline",
    message: "p-a of its pipeline failed",
  });
  bench.submit(job("b", pipeline(...inner, ...outer)));
  bench.end("n1", key("b.p-a.0.1"));
  bench.end("n1", key("b.p-clean.0.1"));
  expect(rows(bench.end("n1", key("b.p-b.0.1")))).toEqual([
    "p-b.0#1 succeeded",
    "p.0#0 succeeded",
    "alarm.0#0 skipped",
    "next.0#1 assigned",
  ]);
});

test("a pipeline of which nothing ran is blocked by what failed before it, or was not wanted", () => {
  const bench = new Bench();
  bench.join("n1");
  const none = cel("q-a", ["first"], { if: "false" });
  bench.submit(
    job(
      "a",
      pipeline(
        task("first"),
        task("bad"),
        none,
        joining("q", ["q-a"]),
        after("p-a", ["bad"]),
        joining("p", ["p-a"]),
        after("alarm", ["p"], "failed"),
        after("next", ["q"]),
      ),
    ),
  );
  expect(rows(bench.end("n1", key("a.first.0.1")))).toEqual([
    "first.0#1 succeeded",
    "q-a.0#0 skipped",
    "q.0#0 skipped",
    "next.0#0 skipped",
  ]);
  expect(rows(bench.end("n1", key("a.bad.0.1"), FAILED))).toEqual([
    "bad.0#1 failed",
    "p-a.0#0 skipped",
    "p.0#0 skipped",
    "alarm.0#1 assigned",
  ]);
});
