import { afterAll, beforeAll, expect, test } from "vitest";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import { silentLog } from "../../lib/log.ts";
import type { Batch, TaskRow } from "../../scheduler/core/index.ts";
import { claimLeadership, type Reign } from "../../scheduler/leader-store.ts";
import { type Changes, openStore } from "../../scheduler/store.ts";
import { readTasks } from "../../scheduler/task-store.ts";
import { batchOf } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const LEASE_MS = 60_000;

let database: TestDatabase;
let opened: ReturnType<typeof openStore>;
let reign: Reign;

beforeAll(async () => {
  database = await createDatabase();
  opened = openStore(database.url, silentLog());
  const claim = { holder: "us", address: "127.0.0.1:8081", leaseMs: LEASE_MS };
  reign = { term: (await claimLeadership(opened.store.database.pool, claim))!, holder: "us", leaseMs: LEASE_MS };
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});

function changes(parts: Partial<Batch>): Changes {
  return { batch: batchOf(parts), archived: [] };
}

function taskRow(parts: Partial<TaskRow>): TaskRow {
  return {
    job: "j1" as JobId,
    task: "a",
    index: 0,
    state: "assigned",
    attempt: 1,
    node: "n1" as NodeId,
    gpuUuids: [],
    choice: 0,
    assignedAtMs: 1001,
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
    ...parts,
  };
}

test("rows of instances that travel together are written once, and change nothing that has moved on", async () => {
  const names = ["a", "b", "c", "d"];
  const common = { job: "j1" as JobId, index: 0, count: 4, node: "n1" as NodeId, assignedAtMs: 10 };
  const ranges = [
    { ...common, task: "a", tasks: names },
    { ...common, task: "m" },
  ];
  const begin = changes({
    ranges: ranges.map((range) => ({ ...range, startedAtMs: null, finishedAtMs: null })),
  });
  const end = changes({ ranges: ranges.map((range) => ({ ...range, startedAtMs: [1, 2, 3, 4], finishedAtMs: 20 })) });
  await opened.store.commit(reign, begin, []);
  const moved = [
    taskRow({ task: "b", state: "failed", attempt: 1, reason: "exit" }),
    taskRow({ task: "c", state: "assigned", attempt: 2 }),
    taskRow({ task: "m", index: 1, state: "running", attempt: 1 }),
  ];
  await opened.store.commit(reign, changes({ tasks: moved }), []);
  for (const again of [end, begin, end]) await opened.store.commit(reign, again, []);
  const rows = await readTasks(opened.store.database.pool, "j1" as JobId);
  expect(rows.map((row) => `${row.task}.${row.index}#${row.attempt} ${row.state} ${row.startedAtMs}`)).toEqual([
    "a.0#1 succeeded 1",
    `b.0#1 failed ${moved[0]!.startedAtMs}`,
    `c.0#2 assigned ${moved[1]!.startedAtMs}`,
    "d.0#1 succeeded 4",
    "m.0#1 succeeded 1",
    `m.1#1 running ${moved[2]!.startedAtMs}`,
    "m.2#1 succeeded 3",
    "m.3#1 succeeded 4",
  ]);
  expect(rows[0]).toMatchObject({
    node: "n1",
    assignedAtMs: 10,
    finishedAtMs: 20,
    exitCode: 0,
    outputs: [],
    failures: 0,
  });
});
