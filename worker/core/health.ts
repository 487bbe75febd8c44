/** What the probes of one kind have said so far. `well` null: nothing certain yet. */
export interface Health {
  readonly well: boolean | null;
  /** In a row. */
  readonly failures: number;
}

export const UNKNOWN: Health = { well: null, failures: 0 };

/** One answer more: a good one makes it well, `failuresMax` bad ones in a row make it unwell. */
export function observe({ well, failures }: Health, ok: boolean, failuresMax: number): Health {
  if (ok) return { well: true, failures: 0 };
  return { well: failures + 1 >= failuresMax ? false : well, failures: failures + 1 };
}
