/** The laws that the simulator holds the system to, by the numbers of docs/simulator.md. */
export type Invariant =
  | "core laws"
  | "I1 nothing is lost"
  | "I2 one process an attempt"
  | "I2 attempts do not overlap"
  | "I3 needs first"
  | "I4 within capacity"
  | "I5 results stay"
  | "I6 ends are final"
  | "I7 cancel wins"
  | "I8 only its own failures spend retries"
  | "I9 lineage is complete"
  | "I10 assignments arrive"
  | "I12 numbers only grow"
  | "I13 work gets done"
  | "I14 one key, one job"
  | "I15 approvals are people's"
  | "I16 limits of starts hold"
  | "I17 results are taken for the same work"
  | "I18 checkpoints are handed on"
  | "P2 devices are shared as asked"
  | "P3 gangs are whole"
  | "P4 quotas hold"
  | "P5 room is used"
  | "P6 no eviction in turn"
  | "P7 nodes are as asked"
  | "a part broke";

/** A law that was broken. `about`: ids that the story is to be told of. */
export class Violation extends Error {
  readonly invariant: Invariant;
  readonly about: readonly string[];

  constructor(invariant: Invariant, message: string, about: readonly string[] = []) {
    super(message);
    this.name = "Violation";
    this.invariant = invariant;
    this.about = about;
  }
}
