import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Assignment } from "../lib/core/dispatch.ts";
import type { AttemptKey, JobId } from "../lib/core/ids.ts";
import { silentLog } from "../lib/log.ts";
import { endedReport, SUCCEEDED } from "../test/support/build.ts";
import type { JournalEntry } from "./core/record.ts";
import { openJournal } from "./journal.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "weft-journal-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (path = join(dir, "journal.jsonl")) => openJournal(path, { log: silentLog(), nowMs: Date.now });
const key = (index: number) => `job1.t.${index}.1` as AttemptKey;
function assigned(index: number, padding = ""): JournalEntry {
  const assignment = { ref: { job: "job1" as JobId, task: "t", index, attempt: 1 }, pipeline: padding } as Assignment;
  return { kind: "assigned", atMs: Date.now(), assignment };
}

const PRINTED = { logBytes: { stdout: 1, stderr: 0 } };

test("what was written is known after a restart", async () => {
  const journal = await open();
  await journal.append([assigned(0), assigned(1)]);
  await journal.note([{ kind: "ended", atMs: Date.now(), report: endedReport(key(0), SUCCEEDED, PRINTED) }]);
  journal.jot({ kind: "reported", atMs: Date.now(), keys: [key(0)] });
  await journal.close();
  const again = await open();
  expect(again.records.get(key(0))).toMatchObject({ kind: "ended", reported: true, archived: false });
  expect(again.records.get(key(1))).toMatchObject({ kind: "open" });
  await again.close();
});

test("a torn last line and garbage are left out, and the next lines are whole", async () => {
  const path = join(dir, "journal.jsonl");
  writeFileSync(path, `${JSON.stringify(assigned(0))}\nnonsense\n${JSON.stringify(assigned(1)).slice(0, 40)}`);
  const journal = await open();
  await journal.append([assigned(2)]);
  await journal.close();
  const again = await open();
  expect([...again.records].map(([one]) => one)).toEqual([key(0), key(2)]);
  await again.close();
});

test("many writers share one write, in order", async () => {
  const journal = await open();
  await Promise.all(Array.from({ length: 500 }, (_, i) => journal.append([assigned(i)])));
  await journal.close();
  const lines = readFileSync(join(dir, "journal.jsonl"), "utf8").trimEnd().split("\n");
  expect(lines.map((line) => (JSON.parse(line) as { assignment: Assignment }).assignment.ref.index)).toEqual(
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test("a note is in the file when it is told so, and then on disk with all that came before", async () => {
  const path = join(dir, "journal.jsonl");
  const journal = await open();
  const before = journal.append([assigned(0)]);
  const { synced } = await journal.note([{ kind: "ended", atMs: Date.now(), report: endedReport(key(0), SUCCEEDED) }]);
  const kinds = readFileSync(path, "utf8").trimEnd().split("\n");
  expect(kinds.map((line) => (JSON.parse(line) as JournalEntry).kind)).toEqual(["assigned", "ended"]);
  await synced;
  await before;
  await journal.close();
});

/** A disk of 1 MB of its own; undefined where this machine does not let us mount one. */
function smallDisk(): string | undefined {
  const disk = join(dir, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], { stdio: "ignore" });
    return disk;
  } catch {
    return undefined;
  }
}

test("a full disk refuses new assignments with its reason, keeps ends, and heals when there is room", async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip("needs the right to mount a tmpfs");
  try {
    const journal = await open(join(disk, "journal.jsonl"));
    await journal.append([assigned(0)]);
    const filler = join(disk, "filler");
    writeFileSync(filler, "");
    expect(() => {
      for (;;) appendFileSync(filler, "x".repeat(4096));
    }).toThrow("ENOSPC");
    await expect(journal.append([assigned(1, "x".repeat(8192))])).rejects.toMatchObject({
      code: "disk_full",
      message: expect.stringContaining("free some space") as string,
    });
    expect(journal.trouble).toContain("is full");
    expect(journal.records.get(key(1))).toBeUndefined();
    // Nothing waits to be written, and the disk is looked at all the same.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(journal.trouble).toContain("is full");
    await journal.note([
      { kind: "ended", atMs: Date.now(), report: endedReport(key(0), SUCCEEDED, { message: "y".repeat(8192) }) },
    ]);
    expect(journal.records.get(key(0))?.kind).toBe("ended");
    rmSync(filler);
    await journal.append([assigned(2)]);
    expect(journal.trouble).toBeUndefined();
    await journal.close();
    const again = await open(join(disk, "journal.jsonl"));
    expect([...again.records].map(([one, { kind }]) => `${one} ${kind}`)).toEqual([
      `${key(0)} ended`,
      `${key(2)} open`,
    ]);
    await again.close();
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("ends that come sooner than the pace are written together, with what cannot wait", async () => {
  const path = join(dir, "journal.jsonl");
  const lines = () => readFileSync(path, "utf8").trimEnd().split("\n").length;
  const ended = (index: number): JournalEntry[] => [
    { kind: "ended", atMs: Date.now(), report: endedReport(key(index), SUCCEEDED) },
  ];
  const journal = await openJournal(path, { log: silentLog(), nowMs: Date.now, paceMs: () => 60_000 });
  await journal.note(ended(0));
  const waiting = [journal.note(ended(1)), journal.note(ended(2))];
  expect(journal.records.get(key(2))?.kind).toBe("ended");
  expect(lines()).toBe(1);
  await journal.append([assigned(3)]);
  await Promise.all(waiting);
  expect(lines()).toBe(4);
  const last = journal.note(ended(3));
  await journal.close();
  await last;
  expect(lines()).toBe(5);
});
