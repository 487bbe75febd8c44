/** A move of one alias; null: it pointed nowhere. */
export interface AliasMove {
  readonly kind: "set" | "rollback" | "removed";
  readonly from: number | null;
  readonly to: number | null;
}

/**
 * The version that an alias goes back to: the one before the last move that was not itself taken back. So that two
 * rollbacks in a row go two versions back, and not back and forth. Versions that are gone are passed over; null: there is
 * nothing to go back to. `moves`: oldest first.
 */
export function previousVersion(moves: readonly AliasMove[], isThere: (version: number) => boolean): number | null {
  const before: (number | null)[] = [];
  let now: number | null = null;
  for (const { kind, from, to } of moves) {
    now = to;
    if (kind === "rollback") {
      // What lay between was gone when this one went back.
      while (before.length > 0 && before.pop() !== to);
    } else if (from !== to) before.push(from);
  }
  while (before.length > 0) {
    const version = before.pop()!;
    if (version !== null && version !== now && isThere(version)) return version;
  }
  return null;
}
