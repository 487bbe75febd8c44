// Chance that can be repeated: the same seed gives the same numbers on any machine.
import seedrandom from "seedrandom";

/** A function that gives numbers from 0 up to 1, 1 excluded. */
export const newRandom = (seed) => seedrandom(String(seed));

/** Fisher–Yates, in place. */
export function shuffle(values, random) {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [values[last], values[other]] = [values[other], values[last]];
  }
}
