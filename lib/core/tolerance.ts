/** Of doubles: 1.01 - 1 is a little more than 0.01. */
const ROUNDING = 1 + 1e-9;

/** Whether a number is as near to what it was as the tolerance says: a share of what it was, or an amount where it was 0. */
export function isWithin(before: number, now: number, tolerance: number): boolean {
  return Math.abs(now - before) <= tolerance * ROUNDING * (before === 0 ? 1 : Math.abs(before));
}
