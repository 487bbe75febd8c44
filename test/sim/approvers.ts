import type { JobId } from "../../lib/core/ids.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import type { Agenda } from "./agenda.ts";
import type { Callers } from "./callers.ts";
import type { Chance } from "./chance.ts";
import { APPROVAL, APPROVERS } from "./traits/approval.ts";
import type { Witness } from "./witness.ts";

/** Most words of one job, and when the last of them comes, in milliseconds. */
const WORDS_MAX = 4;
const WORD_MS_MAX = 60_000;

/** Those who are asked for a word: some say yes, some no, some have no say, some never answer. */
export class Approvers {
  readonly #agenda: Agenda;
  readonly #chance: Chance;
  readonly #callers: Callers;
  readonly #witness: Witness;

  constructor(parts: { agenda: Agenda; chance: Chance; callers: Callers; witness: Witness }) {
    this.#agenda = parts.agenda;
    this.#chance = parts.chance;
    this.#callers = parts.callers;
    this.#witness = parts.witness;
  }

  onJob(job: JobId, spec: PipelineSpec): void {
    if (!spec.tasks.some(({ flow }) => flow.approve)) return;
    const chance = this.#chance;
    for (let words = chance.whole(0, WORDS_MAX); words > 0; words -= 1)
      this.#agenda.after(chance.scaled(100, WORD_MS_MAX), () => this.#say(job));
  }

  #say(job: JobId): void {
    const chance = this.#chance;
    const word = { job, task: APPROVAL, by: chance.pick(APPROVERS), approved: chance.happens(0.7), comment: "" };
    this.#witness.approvals.onSaid(word);
    this.#callers.ask(
      chance,
      () => ({ kind: "approvalGiven", ...word }),
      true,
      (answer) => answer.kind === "done" && this.#witness.approvals.onTaken(word),
    );
  }
}
