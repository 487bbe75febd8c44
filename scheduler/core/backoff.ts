/** `base` doubled for each time before, at most `max`, within ±25 % so that many do not come back at once. */
export function backoff(base: number, max: number, times: number, random: () => number): number {
  return Math.min(base * 2 ** Math.min(times - 1, 40), max) * (0.75 + random() / 2);
}
