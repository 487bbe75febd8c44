import { expect, test } from "vitest";
import type { Assignment } from "../../lib/core/dispatch.ts";
import type { AttemptKey, JobId } from "../../lib/core/ids.ts";
import { endedReport, SUCCEEDED } from "../../test/support/build.ts";
import { decodeEntry, type JournalEntry, Records, RECORDS_AGE_MS_MAX, RECORDS_MAX } from "./record.ts";

const ref = (attempt: number, index = 0) => ({ job: "job1" as JobId, task: "t", index, attempt });
const key = (attempt: number, index = 0) => `job1.t.${index}.${attempt}` as AttemptKey;
const assigned = (attempt: number, index = 0): JournalEntry => ({
  kind: "assigned",
  atMs: 1,
  assignment: { ref: ref(attempt, index) } as Assignment,
});
const PRINTED = { logBytes: { stdout: 1, stderr: 0 } };
const done = (index: number, atMs: number): JournalEntry[] => [
  assigned(1, index),
  { kind: "ended", atMs, report: endedReport(key(1, index), SUCCEEDED, PRINTED) },
  { kind: "reported", atMs, keys: [key(1, index)] },
  { kind: "archived", atMs, key: key(1, index) },
];

function replay(...entries: JournalEntry[]): Records {
  const records = new Records();
  for (const entry of entries) records.apply(entry);
  return records;
}

test("an attempt is started once, and none that a later one has replaced", () => {
  const records = replay(assigned(2));
  expect(records.judge(ref(2))).toBe("known");
  expect(records.judge(ref(1))).toBe("older");
  expect(records.judge(ref(3))).toBe("new");
  expect(records.judge(ref(1, 1))).toBe("new");
});

test("an attempt that was refused is never started, also when it was on its way to the disk", () => {
  expect(replay({ kind: "refused", atMs: 1, key: key(1) }).judge(ref(1))).toBe("known");
  expect(replay({ kind: "refused", atMs: 1, key: key(1) }, assigned(1)).get(key(1))?.kind).toBe("refused");
  expect(replay(assigned(1), { kind: "refused", atMs: 1, key: key(1) }).get(key(1))?.kind).toBe("refused");
});

test("the first end is the truth", () => {
  const records = replay(
    assigned(1),
    { kind: "ended", atMs: 1, report: endedReport(key(1), SUCCEEDED) },
    { kind: "ended", atMs: 2, report: endedReport(key(1), { kind: "lost", reason: "runner-lost" }) },
  );
  expect(records.get(key(1))).toMatchObject({ kind: "ended", report: { outcome: SUCCEEDED } });
});

test("a rewritten journal says the same as the one it was made of", () => {
  const records = replay(
    assigned(1, 0),
    { kind: "started", atMs: 5, key: key(1, 0) },
    assigned(1, 1),
    { kind: "ended", atMs: 6, report: endedReport(key(1, 1), SUCCEEDED) },
    ...done(2, 7),
    { kind: "refused", atMs: 8, key: key(1, 3) },
  );
  expect([...replay(...records.entries())]).toEqual([...records]);
});

test("what is open, unreported or not archived is never forgotten; the rest after a day", () => {
  const records = replay(assigned(1, 0), ...done(1, 1), ...done(2, 1).slice(0, 3), ...done(3, 1).slice(0, 2));
  records.prune(RECORDS_AGE_MS_MAX + 2);
  expect([...records].map(([one]) => one)).toEqual([key(1, 0), key(1, 2), key(1, 3)]);
  expect(records.judge(ref(1, 1))).toBe("new");
});

test("what printed nothing has nothing to archive, and is forgotten like what was archived", () => {
  const silent: JournalEntry[] = [
    assigned(1),
    { kind: "ended", atMs: 1, report: endedReport(key(1), SUCCEEDED) },
    { kind: "reported", atMs: 1, keys: [key(1)] },
  ];
  const records = replay(...silent);
  expect(records.get(key(1))).toMatchObject({ kind: "ended", archived: true, assignment: null });
  records.prune(RECORDS_AGE_MS_MAX + 2);
  expect(records.size).toBe(0);
});

test("of many finished attempts the oldest are forgotten", () => {
  const records = new Records();
  for (let i = 0; i < RECORDS_MAX + 10; i++) for (const entry of done(i, 1)) records.apply(entry);
  records.prune(2);
  expect(records.size).toBe(RECORDS_MAX);
  expect(records.get(key(1, 9))).toBeUndefined();
  expect(records.get(key(1, 10))).toBeDefined();
});

test("a torn line is no entry", () => {
  expect(decodeEntry('{"kind":"reported","atMs":1,"keys":["job1.t.0.1"')).toBeUndefined();
  expect(decodeEntry("null")).toBeUndefined();
  expect(decodeEntry('{"kind":"other"}')).toBeUndefined();
});
