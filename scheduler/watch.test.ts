import { expect, test } from "vitest";
import type { JobId } from "../lib/core/ids.ts";
import { batchOf } from "../test/support/build.ts";
import type { Batch, JobProgress, TaskRow } from "./core/index.ts";
import { WatchHub } from "./watch.ts";

const JOB = "job1" as JobId;
const never = new AbortController().signal;

function row(task: string, attempt: number, state: TaskRow["state"], job = JOB): TaskRow {
  return {
    job,
    task,
    index: 0,
    state,
    attempt,
    node: null,
    gpuUuids: [],
    choice: 0,
    assignedAtMs: null,
    startedAtMs: null,
    finishedAtMs: null,
    exitCode: null,
    reason: "",
    message: "",
    outputs: [],
    result: null,
    cache: null,
    checkpoint: null,
    failures: 0,
    losses: 0,
    crashes: 0,
    notBeforeMs: null,
  };
}

const batch = (tasks: TaskRow[], jobs: JobProgress[] = []): Batch => batchOf({ tasks, jobs });

const running: JobProgress = {
  id: JOB,
  state: "running",
  startedAtMs: 1,
  finishedAtMs: null,
  cancelRequested: false,
  reason: "",
};

test("a slow watcher gets the latest row of each instance, and only of its job", async () => {
  const hub = new WatchHub();
  const watcher = hub.watch(JOB);
  for (const state of ["assigned", "running", "succeeded"] as const) hub.onBatch(batch([row("a", 1, state)]));
  hub.onBatch(batch([row("b", 1, "assigned"), row("a", 1, "failed", "job2" as JobId)], [running]));
  const change = await watcher.next(never);
  expect(change).toEqual({ maps: [], progress: running, tasks: [row("a", 1, "succeeded"), row("b", 1, "assigned")] });
});

test("a change that a snapshot already holds is not told again, one beyond it is", async () => {
  const hub = new WatchHub();
  const watcher = hub.watch(JOB);
  hub.onBatch(batch([row("a", 1, "running"), row("b", 1, "assigned"), row("c", 1, "ready")]));
  // c failed and waits for its second attempt in the change; the snapshot still has the first one running.
  watcher.dropOlder([row("a", 1, "succeeded"), row("b", 1, "assigned"), row("c", 1, "running")]);
  expect((await watcher.next(never))!.tasks).toEqual([row("c", 1, "ready")]);
});

test("a watcher that waits is woken by a change, by the end of the reign, and by its reader leaving", async () => {
  const hub = new WatchHub();
  const change = hub.watch(JOB).next(never);
  hub.onBatch(batch([row("a", 1, "assigned")]));
  expect((await change)!.tasks).toHaveLength(1);
  const ended = hub.watch(JOB).next(never);
  hub.close();
  expect(await ended).toBeNull();
  const leaving = new AbortController();
  const left = hub.watch(JOB).next(leaving.signal);
  leaving.abort();
  expect(await left).toBeNull();
});
