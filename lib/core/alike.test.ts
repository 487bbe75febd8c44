import { expect, test } from "vitest";
import { expandAssignment, gatherReports, keysOf, sliceRange, spreadReports } from "./alike.ts";
import type { Assignment, EndedRangeReport, EndedReport, Report } from "./dispatch.ts";
import { endedReport, key, SUCCEEDED } from "../../test/support/build.ts";

const ended = (text: string, parts: Partial<EndedReport> = {}): EndedReport => endedReport(key(text), SUCCEEDED, parts);

test("plain ends of neighbours become one report, and all come back from it", () => {
  const reports: Report[] = [
    ended("j.t.5.1", { endedAtMs: 50 }),
    ended("j.t.4.1", { endedAtMs: 40 }),
    ended("j.t.6.1", { endedAtMs: 60 }),
    ended("j.t.9.1"),
    ended("j.u.7.1"),
    ended("j.t.7.2"),
  ];
  const gathered = gatherReports(reports);
  expect(gathered.map((report) => `${report.kind} ${report.key}`)).toEqual([
    "endedRange j.t.4.1",
    "ended j.t.9.1",
    "ended j.u.7.1",
    "ended j.t.7.2",
  ]);
  const byKey = (a: Report, b: Report): number => (a.key < b.key ? -1 : 1);
  expect(spreadReports(gathered).toSorted(byKey)).toEqual(reports.toSorted(byKey));
});

test("what has more to tell than times and usage is told alone, in its place before the ranges", () => {
  const special: Report[] = [
    { kind: "started", key: key("j.t.0.1"), atMs: 1 },
    ended("j.t.1.1", { exitCode: 3, outcome: { kind: "failed", reason: "exit" } }),
    ended("j.t.2.1", { logBytes: { stdout: 1, stderr: 0 } }),
    ended("j.t.3.1", { result: { loss: 1 } }),
    ended("j.t.4.1", { startedAtMs: null }),
  ];
  expect(gatherReports([ended("j.t.10.1"), ...special, ended("j.t.11.1")])).toEqual([
    ...special,
    expect.objectContaining({ kind: "endedRange", key: "j.t.10.1" }),
  ]);
});

test("a part of a range is a range", () => {
  const [range] = gatherReports([0, 1, 2, 3].map((i) => ended(`j.t.${i}.1`, { endedAtMs: i }))) as [EndedRangeReport];
  expect(sliceRange(range, 1, 3)).toMatchObject({ key: "j.t.1.1", endedAtMs: [1, 2] });
});

test("plain ends of several tasks of a job become one report, and all come back from it", () => {
  const keys = ["j.a.0.1", "j.b.0.1", "j.c.0.1", "j.d.0.1"];
  const others = ["j.e.0.2", "k.a.0.1", "j.m.0.1", "j.m.1.1"];
  const reports = [...keys, ...others].map((text, i) => ended(text, { endedAtMs: i }));
  const gathered = gatherReports(reports);
  expect(gathered.map((report) => `${report.kind} ${report.key}`)).toEqual([
    "endedRange j.m.0.1",
    "endedRange j.a.0.1",
    "ended j.e.0.2",
    "ended k.a.0.1",
  ]);
  const [, bundle] = gathered as [EndedRangeReport, EndedRangeReport];
  expect(bundle.tasks).toEqual(["a", "b", "c", "d"]);
  expect(keysOf(bundle)).toEqual(keys);
  expect(keysOf(gathered[0] as EndedRangeReport)).toEqual(["j.m.0.1", "j.m.1.1"]);
  expect(sliceRange(bundle, 1, 3)).toMatchObject({ key: "j.b.0.1", tasks: ["b", "c"], endedAtMs: [1, 2] });
  const byKey = (a: Report, b: Report): number => (a.key < b.key ? -1 : 1);
  expect(spreadReports(gathered).toSorted(byKey)).toEqual(reports.toSorted(byKey));
});

test("an assignment of tasks that are alike is one for each of them", () => {
  const first = { ref: { job: "j", task: "a", index: 0, attempt: 1 }, env: { A: "a" }, run: { kind: "script" } };
  const bundle = { ...first, alike: { count: 2, tasks: ["a", "b"], env: {}, runs: null } } as unknown as Assignment;
  expect(expandAssignment(bundle)).toEqual([first, { ...first, ref: { ...first.ref, task: "b" } }]);
});

test("an assignment of a range is one for each of its instances, with what each has to itself", () => {
  const first = { ref: { job: "j", task: "t", index: 2, attempt: 1 }, env: { A: "a", WEFT_MAP_I: "x" }, run: {} };
  const runs = ["x", "y"].map((script) => ({ kind: "script" as const, script }));
  const range = { ...first, alike: { count: 2, env: { WEFT_MAP_I: ["x", "y"] }, runs } } as unknown as Assignment;
  expect(expandAssignment(range)).toEqual([
    { ...first, run: runs[0] },
    { ref: { ...first.ref, index: 3 }, env: { A: "a", WEFT_MAP_I: "y" }, run: runs[1] },
  ]);
  const alone = first as unknown as Assignment;
  expect(expandAssignment(alone)).toEqual([alone]);
});
