/** Wait before the nth try again (from 1), in milliseconds: doubles from `firstMs` up to `mostMs`; `random` in 0..1 halves it at most. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number, random: number): number {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30));
  return full * (0.5 + random / 2);
}
