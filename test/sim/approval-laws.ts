import type { TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { TaskRow } from "../../scheduler/core/index.ts";
import type { Word } from "../../scheduler/core/word.ts";
import type { SimStore } from "./store.ts";
import { Violation } from "./violation.ts";

const LAW = "I15 approvals are people's";

/** A task that asks for an approval runs nothing, and ends as somebody said who may. */
export class ApprovalLaws {
  readonly #said: Word[] = [];
  #store: SimStore | undefined;

  see(store: SimStore): void {
    this.#store = store;
  }

  /** Somebody says it, whether it arrives or not. */
  onSaid(word: Word): void {
    this.#said.push(word);
  }

  /** Whoever said it was told that it counts. */
  onTaken({ job, task, by, approved }: Word): void {
    const row = this.#store!.task(job, task, 0);
    const state = approved ? "succeeded" : "failed";
    if (row?.state !== state)
      throw new Violation(LAW, `${by} was told that the word counts, and ${job}.${task} is ${row?.state}`, [job]);
  }

  onTask({ flow }: TaskSpec, row: TaskRow): void {
    const approve = flow.approve;
    if (!approve) return;
    const fault = (what: string): Violation => new Violation(LAW, `${row.job}.${row.task} ${what}`, [row.job]);
    if (row.attempt > 0) throw fault("asks for an approval and was assigned");
    if (row.state !== "succeeded" && row.reason !== "rejected") return;
    const approved = row.state === "succeeded";
    const counts = this.#said.some(
      (word) =>
        word.job === row.job &&
        word.task === row.task &&
        word.approved === approved &&
        (approve.by.length === 0 || approve.by.includes(word.by)),
    );
    if (!counts) throw fault(`has ${row.state}, and nobody who may has said so`);
  }
}
