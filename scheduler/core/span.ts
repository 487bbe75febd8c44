/** Indices [from, to). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** In order, none touching the next. */
export type Spans = readonly Span[];

/** With [from, to) added, of which nothing was in it. */
export function addSpan(spans: Spans | null, from: number, to: number): Spans {
  if (!spans) return [{ from, to }];
  let at = firstFrom(spans, from);
  const before = spans[at - 1];
  const after = spans[at];
  const joined = { from, to };
  let removed = 0;
  if (after?.from === to) {
    joined.to = after.to;
    removed += 1;
  }
  if (before?.to === from) {
    joined.from = before.from;
    at -= 1;
    removed += 1;
  }
  // Few at a time, as ends come nearly in order: a copy costs less than what it is about.
  return spans.toSpliced(at, removed, joined);
}

export function hasIndex(spans: Spans | null, index: number): boolean {
  const before = spans?.[firstFrom(spans, index + 1) - 1];
  return before !== undefined && index < before.to;
}

export function spansSize(spans: Spans | null): number {
  return spans?.reduce((sum, { from, to }) => sum + to - from, 0) ?? 0;
}

/** Of the first span that begins at `from` or behind it. */
function firstFrom(spans: Spans, from: number): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (spans[middle]!.from < from) low = middle + 1;
    else high = middle;
  }
  return low;
}
