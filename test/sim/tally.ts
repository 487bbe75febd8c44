/** How often something worth knowing happened, over all worlds: what never happens is not tried. */
export class Tally {
  readonly #counts = new Map<string, number>();

  saw(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** Most frequent first. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)));
  }
}
