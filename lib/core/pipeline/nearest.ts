/** Above this many known names a comparison with each costs more than the hint is worth. */
const CANDIDATES_MAX = 2_000;

/** Fewest insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      row.push(best);
    }
    before = above;
    above = row;
  }
  return above[b.length]!;
}

/** The known name that was probably meant; undefined when none is near. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  const distanceMax = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let bestDistance = distanceMax + 1;
  let seen = 0;
  for (const candidate of known) {
    seen += 1;
    if (seen > CANDIDATES_MAX) return undefined;
    if (Math.abs(candidate.length - name.length) > distanceMax) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` (did you mean "x"?)`, or what there is when nothing is near: ` (known: a, b, c)`. */
export function hint(name: string, known: Iterable<string>): string {
  const names = [...known];
  const near = nearest(name, names);
  if (near !== undefined) return ` (did you mean "${near}"?)`;
  if (names.length === 0) return "";
  const shown = names.slice(0, 12);
  return ` (there are: ${shown.join(", ")}${names.length > shown.length ? `, and ${names.length - shown.length} more` : ""})`;
}
