import type { Reason } from "./why.ts";

/** A class waited for this reason; `toMs` null: it still did when it was last looked at. */
export interface NotedReason {
  readonly fromMs: number;
  toMs: number | null;
  /** With the counts of the latest look. */
  reason: Reason;
}

interface Page {
  readonly notes: NotedReason[];
  lookedAtMs: number;
}

/** Why classes waited, by Ask.key. In memory alone: it begins with the reign of its leader. */
export interface ReasonBook {
  /** Nothing is known of before; null: nothing is known yet. */
  sinceMs: number | null;
  /** No class is looked at before. */
  nextLookMs: number;
  /** No page is looked at before for whether anything of its class still waits. */
  nextCloseMs: number;
  readonly pages: Map<string, Page>;
}

/** Notes kept of one class: a day of changes every half hour. */
const NOTES_MAX = 48;
/** Classes whose notes are kept, the longest known ones going first when they are more: some 10 kB each at most. */
const PAGES_MAX = 1_000;

export function newReasonBook(): ReasonBook {
  return { sinceMs: null, nextLookMs: 0, nextCloseMs: 0, pages: new Map() };
}

export function pageOf(book: ReasonBook, key: string): Page {
  let page = book.pages.get(key);
  if (!page) {
    book.pages.set(key, (page = { notes: [], lookedAtMs: -Infinity }));
    if (book.pages.size > PAGES_MAX) book.pages.delete(book.pages.keys().next().value!);
  }
  return page;
}

/** The wall clock was set: the next looks are as far away as before. */
export function shiftLooks(book: ReasonBook, byMs: number): void {
  book.nextLookMs += byMs;
  book.nextCloseMs += byMs;
  for (const page of book.pages.values()) page.lookedAtMs += byMs;
}

/** Adds a note only when the reason is another than before; else the last one goes on. */
export function note(page: Page, reason: Reason, nowMs: number): void {
  const last = page.notes.at(-1);
  page.lookedAtMs = nowMs;
  if (last && last.toMs === null) {
    if (isSameReason(last.reason, reason)) {
      last.reason = reason;
      return;
    }
    last.toMs = nowMs;
  }
  page.notes.push({ fromMs: nowMs, toMs: null, reason });
  if (page.notes.length > NOTES_MAX) page.notes.shift();
}

/** Nothing of the class waits any more. */
export function closePage(page: Page, nowMs: number): void {
  const last = page.notes.at(-1);
  if (last && last.toMs === null) last.toMs = nowMs;
}

/** How many nodes stand in the way changes all the time; what stands there is what people ask. */
function isSameReason(a: Reason, b: Reason): boolean {
  if (a.kind !== b.kind) return false;
  const names = Object.keys(a.nodesFailing);
  return names.length === Object.keys(b.nodesFailing).length && names.every((name) => name in b.nodesFailing);
}
