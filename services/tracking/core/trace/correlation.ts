export interface CorrelationCounts {
  readonly total: number;
  readonly first: number;
  readonly second: number;
  readonly both: number;
}

/** Added to each of the four cells, so that few traces do not say much (Jeffreys' prior). */
const SMOOTHING = 0.5;

/**
 * Normalized pointwise mutual information of two conditions, from -1 (never together) over 0 (independent) to 1 (always
 * together), plain and smoothed: ln(p(a,b) / (p(a) p(b))) / -ln p(a,b). NaN where one of them never holds, or there is nothing to look at.
 */
export function correlationOf({ total, first, second, both }: CorrelationCounts): {
  readonly plain: number;
  readonly smoothed: number;
} {
  if (total <= 0 || first === 0 || second === 0) return { plain: NaN, smoothed: NaN };
  const cells = [both, first - both, second - both, total - first - second + both] as const;
  if (Math.min(...cells) < 0) return { plain: NaN, smoothed: NaN };
  return { plain: both === 0 ? -1 : npmi(cells, 0), smoothed: npmi(cells, SMOOTHING) };
}

function npmi(cells: readonly [number, number, number, number], added: number): number {
  // Always together, whatever is added.
  if (cells[1] === 0 && cells[2] === 0 && cells[3] === 0) return 1;
  const [both, onlyFirst, onlySecond, neither] = cells.map((cell) => cell + added) as [number, number, number, number];
  const total = both + onlyFirst + onlySecond + neither;
  const joint = both / total;
  const mutual = Math.log((joint * total * total) / ((both + onlyFirst) * (both + onlySecond)));
  return Math.min(1, Math.max(-1, mutual / -Math.log(joint)));
}
