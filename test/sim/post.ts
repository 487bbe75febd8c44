import { assignSubject } from "../../lib/core/dispatch.ts";
import type { Batch, TaskRow } from "../../scheduler/core/index.ts";
import { letters, messageId } from "../../scheduler/postman.ts";
import type { Life } from "./host.ts";
import type { Place } from "./network.ts";
import type { Queues } from "./queue.ts";

/** As in scheduler/postman.ts and scheduler/bus.ts, in milliseconds. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;
const PUBLISH_MS_MAX = 5_000;

type Letter = ReturnType<typeof letters>[number];

/** Publishes committed assignments until NATS has them or they are superseded, as the server's postman does. */
export class SimPostman {
  readonly #term: number;
  readonly #place: Place;
  readonly #life: Life;
  readonly #queues: Queues;
  readonly #unsent = new Map<string, number>();
  #stopped = false;

  constructor(parts: { term: number; place: Place; life: Life; queues: Queues }) {
    this.#term = parts.term;
    this.#place = parts.place;
    this.#life = parts.life;
    this.#queues = parts.queues;
  }

  get unsent(): number {
    return this.#unsent.size;
  }

  post(batch: Batch): void {
    if (this.#unsent.size > 0) for (const row of batch.tasks) this.#supersede(row);
    for (const letter of letters(batch.assign)) {
      for (const { ref, instance } of letter.parts) this.#unsent.set(instance, ref.attempt);
      this.#deliver(letter, RETRY_MS);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#unsent.clear();
  }

  #supersede(row: TaskRow): void {
    const id = instanceOf(row);
    const attempt = this.#unsent.get(id);
    if (attempt !== undefined && (row.attempt !== attempt || row.state !== "assigned")) this.#unsent.delete(id);
  }

  #deliver(letter: Letter, waitMs: number): void {
    if (this.#stopped) return;
    const parts = letter.parts.filter(({ ref, instance }) => this.#unsent.get(instance) === ref.attempt);
    if (parts.length === 0) return;
    const payload = `{"term":${this.#term},"assignments":[${parts.map(({ json }) => json).join(",")}]}`;
    const giveUp = this.#life.after(PUBLISH_MS_MAX + waitMs, () =>
      this.#deliver(letter, Math.min(waitMs * 2, RETRY_MS_MAX)),
    );
    this.#queues.publish(this.#place, assignSubject(letter.node), payload, messageId(parts), () =>
      this.#life.run(() => {
        giveUp();
        for (const { ref, instance } of parts) {
          if (this.#unsent.get(instance) === ref.attempt) this.#unsent.delete(instance);
        }
      }),
    );
  }
}

function instanceOf(of: { readonly job: string; readonly task: string; readonly index: number }): string {
  return `${of.job}.${of.task}.${of.index}`;
}
