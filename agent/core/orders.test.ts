import { expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { endedReport, SUCCEEDED } from "../../test/support/build.ts";
import { GAP_MS_MAX, OrderBook, type OrderView } from "./orders.ts";
import { Records } from "./record.ts";

const KEY = "j1.train.0.1" as AttemptKey;
const asked = { stop: [], query: [KEY] };

function view(parts: Partial<OrderView> = {}): OrderView {
  return { records: new Records(), active: new Set(), caughtUp: () => true, nowMs: 0, atMs: 0, ...parts };
}

test("what the worker holds is stopped, for the reason given", () => {
  const order = { key: KEY, graceMs: 5, reason: "preempted" };
  const acts = new OrderBook().follow({ stop: [order], query: [] }, view({ active: new Set([KEY]) }));
  expect(acts).toEqual([{ kind: "stop", key: KEY, reason: "preempted", graceMs: 5 }]);
});

test("what never came is refused, so that it cannot start later", () => {
  expect(new OrderBook().follow(asked, view())).toEqual([{ kind: "refuse", key: KEY }]);
});

test("what may still be on its way is waited for", () => {
  expect(new OrderBook().follow(asked, view({ caughtUp: () => false }))).toEqual([]);
});

test("an end that the queue has taken is told again, one that is under way is not", () => {
  const records = new Records();
  const report = endedReport(KEY, SUCCEEDED);
  records.apply({ kind: "ended", atMs: 0, report });
  expect(new OrderBook().follow(asked, view({ records }))).toEqual([]);
  records.apply({ kind: "reported", atMs: 0, keys: [KEY] });
  expect(new OrderBook().follow(asked, view({ records }))).toEqual([{ kind: "tell", report }]);
});

test("an open attempt that the worker does not hold is given up after a while, not at once", () => {
  const records = { get: () => ({ kind: "open", atMs: 0, assignment: {} as never, startedAtMs: null }) as const };
  const book = new OrderBook();
  expect(book.follow(asked, view({ records, nowMs: 1_000 }))).toEqual([]);
  expect(book.follow(asked, view({ records, nowMs: 999 + GAP_MS_MAX }))).toEqual([]);
  expect(book.follow(asked, view({ records, nowMs: 1_000 + GAP_MS_MAX }))).toMatchObject([
    { kind: "lose", report: { key: KEY, outcome: { kind: "lost", reason: "runner-lost" } } },
  ]);
});

test("something that is no attempt is not acted upon", () => {
  expect(new OrderBook().follow({ stop: [], query: ["x"] }, view())).toEqual([{ kind: "nonsense", key: "x" }]);
});
