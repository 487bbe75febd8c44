/** Between two looks; short, so that a test is not slower than what it tests. */
const LOOK_MS = 10;

/**
 * Waits until `check` gives something truthy, and gives that. Only where no event tells: prefer to await the event.
 * A check that throws counts as not yet; its error is shown when the time is over.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  describe: string,
  limitMs = 10_000,
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value) return value as Exclude<T, false | null | undefined | 0 | "">;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      const seen = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`waited ${limitMs} ms for: ${describe}. Last seen: ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
