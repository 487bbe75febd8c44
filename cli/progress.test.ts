import picocolors from "picocolors";
import { expect, test } from "vitest";
import type { Job, TaskInstance } from "../sdk/index.ts";
import { drawJob, summarize } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

const NOW_MS = 1_000_000;
const plain: Terminal = {
  isTerminal: true,
  colors: picocolors.createColors(false),
  columns: 72,
  rows: 30,
  write: () => {},
};

function task(
  name: string,
  state: TaskInstance["state"],
  needs: string[] = [],
  more: Partial<TaskInstance> = {},
): TaskInstance {
  const began = ["running", "succeeded", "failed"].includes(state);
  return {
    name,
    index: 0,
    state,
    attempt: began ? 1 : 0,
    node: began ? "vm" : null,
    startedAt: began ? new Date(NOW_MS - 5_000) : null,
    finishedAt: state === "succeeded" || state === "failed" ? new Date(NOW_MS - 2_900) : null,
    exitCode: null,
    reason: state === "failed" ? "exit" : null,
    message: "",
    needs,
    outputs: [],
    map: {},
    result: undefined,
    cache: null,
    failures: 0,
    losses: 0,
    crashes: 0,
    service: null,
    ...more,
  };
}

const jobOf = (tasks: TaskInstance[], state: Job["state"] = "running"): Job => ({
  id: "0mabc",
  pipeline: "flight",
  state,
  trigger: "manual",
  triggeredBy: null,
  priority: 0,
  project: "default",
  params: {},
  code: null,
  submittedAt: new Date(NOW_MS - 12_000),
  startedAt: new Date(NOW_MS - 12_000),
  finishedAt: state === "running" ? null : new Date(NOW_MS),
  reason: null,
  counts: {},
  cancelRequested: false,
  waitsFor: null,
  resting: [],
  tasks,
});

test("tasks stand below those they need, with their state, time, node and instances", () => {
  const job = jobOf([
    task("best", "pending", ["train"]),
    task("train", "succeeded", ["features"]),
    task("train", "running", ["features"], { index: 1 }),
    task("train", "failed", ["features"], { index: 2 }),
    task("train", "ready", ["features"], { index: 3 }),
    task("features", "succeeded", [], { attempt: 2 }),
    task("report", "running", ["features"]),
  ]);
  expect(drawJob(job, plain, NOW_MS).join("\n")).toBe(
    `
flight 0mabc  running  12s
✓ features  2.1s     vm  attempt 2
  ⠋ train   1/4      1 running  1 failed  [1] 5s ← features
  ⠋ report  5s       vm ← features
    · best  pending ← train`.trimStart(),
  );
});

test("no line is wider than the terminal", () => {
  const job = jobOf([task("a".repeat(60), "running"), task("b", "pending", ["a".repeat(60)])]);
  for (const line of drawJob(job, plain, NOW_MS)) expect(line.length).toBeLessThan(72);
});

test("when there are more tasks than lines, those that run and failed are shown, and the others counted", () => {
  const tasks = Array.from({ length: 50 }, (_, i) =>
    task(`t${i}`, i === 40 ? "running" : i === 45 ? "failed" : i < 40 ? "succeeded" : "pending"),
  );
  const lines = drawJob(jobOf(tasks), { ...plain, rows: 10 }, NOW_MS);
  expect(lines).toHaveLength(8);
  expect(lines.join("\n")).toMatch(/⠋ t40[^]*✗ t45[^]*… and 44 more tasks \(3[0-9] succeeded\)/);
});

test("the summary counts the states", () => {
  const job = jobOf([task("a", "succeeded"), task("b", "failed"), task("c", "skipped")], "failed");
  expect(summarize(job)).toBe("job 0mabc failed in 12s (1 succeeded, 1 failed, 1 skipped)");
});
