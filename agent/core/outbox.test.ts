import { expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { endedReport, SUCCEEDED } from "../../test/support/build.ts";
import { BATCH_REPORTS_MAX, Outbox, STARTED_HOLD_MS } from "./outbox.ts";
import { BUSY_PACE_MS } from "./pace.ts";

const a = "job.a.0.1" as AttemptKey;
const b = "job.b.0.1" as AttemptKey;

test("the end of a short attempt tells its start too, in one report", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add({ kind: "started", key: a, atMs: 1 }, 0);
  outbox.add({ kind: "started", key: b, atMs: 1 }, 1);
  expect(outbox.take(1)).toBeUndefined();
  outbox.add(endedReport(a, SUCCEEDED), 2);
  expect(outbox.take(2)?.reports.map(({ kind }) => kind)).toEqual(["ended"]);
  outbox.settled();
  expect(outbox.take(1 + STARTED_HOLD_MS)?.reports.map(({ key }) => key)).toEqual([b]);
  outbox.settled();
  expect(outbox.size).toBe(0);
});

test("a lone started goes out when it was held long enough", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add({ kind: "started", key: a, atMs: 1 }, 0);
  expect(outbox.dueAtMs()).toBe(STARTED_HOLD_MS);
  expect(outbox.take(STARTED_HOLD_MS)?.reports).toHaveLength(1);
});

test("an ended goes out at once and takes no other attempt's held started with it", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add({ kind: "started", key: b, atMs: 1 }, 0);
  outbox.add(endedReport(a, SUCCEEDED), 1);
  expect(outbox.take(1)?.reports.map(({ key }) => key)).toEqual([a]);
});

test("what comes while a batch is under way gathers into the next", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add(endedReport(a, SUCCEEDED), 0);
  const first = outbox.take(0)!;
  outbox.add(endedReport(b, SUCCEEDED), 1);
  outbox.add({ kind: "unknown", key: a }, 1);
  expect(outbox.take(1)).toBeUndefined();
  expect(outbox.dueAtMs()).toBeUndefined();
  outbox.settled();
  const second = outbox.take(1)!;
  expect(second.id).toBeGreaterThan(first.id);
  expect(second.reports.map(({ kind }) => kind)).toEqual(["ended", "unknown"]);
});

test("a batch has a limit of reports and of bytes, and the rest follows", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  for (let i = 0; i < BATCH_REPORTS_MAX + 1; i++) outbox.add(endedReport(`job.a.${i}.1` as AttemptKey, SUCCEEDED), 0);
  expect(outbox.take(0)?.reports).toHaveLength(BATCH_REPORTS_MAX);
  outbox.settled();
  expect(outbox.take(0)?.reports).toHaveLength(1);
  outbox.settled();
  const large = "x".repeat(200_000);
  outbox.add(endedReport(a, SUCCEEDED, { message: large }), 0);
  outbox.add(endedReport(b, SUCCEEDED, { message: large }), 0);
  expect(outbox.take(0)?.reports).toHaveLength(1);
  expect(outbox.size).toBe(2);
});

test("what waits already is not told twice, and can be told again when it was taken", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add({ kind: "unknown", key: a }, 0);
  outbox.add({ kind: "unknown", key: a }, 0);
  expect(outbox.take(0)?.reports).toHaveLength(1);
  outbox.add({ kind: "unknown", key: a }, 0);
  outbox.settled();
  expect(outbox.size).toBe(0);
  outbox.add({ kind: "unknown", key: a }, 0);
  expect(outbox.size).toBe(1);
});

test("a lone attempt is told at once; while several end, messages keep a pace and carry many", () => {
  const outbox = new Outbox(() => BUSY_PACE_MS);
  outbox.add(endedReport(a, SUCCEEDED), 100);
  expect(outbox.dueAtMs()).toBe(100);
  outbox.take(100);
  outbox.settled();
  outbox.add(endedReport(b, SUCCEEDED), 101);
  expect(outbox.dueAtMs()).toBe(101);
  outbox.add(endedReport("job.c.0.1" as AttemptKey, SUCCEEDED), 102);
  expect(outbox.dueAtMs()).toBe(100 + BUSY_PACE_MS);
  expect(outbox.take(100 + BUSY_PACE_MS)?.reports).toHaveLength(2);
});
