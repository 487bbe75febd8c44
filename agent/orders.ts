import type { Log } from "../lib/log.ts";
import type { Worker } from "../worker/index.ts";
import { type OrderAct, OrderBook, type Orders as Asked } from "./core/orders.ts";
import type { Journal } from "./journal.ts";
import type { Reports } from "./reports.ts";

export interface OrdersOptions {
  readonly worker: Pick<Worker, "active" | "stop">;
  readonly journal: Journal;
  readonly reports: Reports;
  /** Whatever was sent to this node before now has arrived: what is not known by now never came. */
  readonly caughtUp: () => boolean;
  readonly log: Log;
}

/** Does what the server asks in its answers (see core/orders.ts). */
export class Orders {
  readonly #options: OrdersOptions;
  readonly #book = new OrderBook();

  constructor(options: OrdersOptions) {
    this.#options = options;
  }

  follow(asked: Asked): void {
    const { worker, journal, caughtUp } = this.#options;
    const acts = this.#book.follow(asked, {
      records: journal.records,
      active: new Set<string>(worker.active().map(({ key }) => key)),
      caughtUp,
      nowMs: performance.now(),
      atMs: Date.now(),
    });
    for (const act of acts) this.#do(act);
  }

  #do(act: OrderAct): void {
    const { worker, journal, reports, log } = this.#options;
    switch (act.kind) {
      case "stop":
        return worker.stop(act.key, act.reason, act.graceMs);
      case "tell":
        return reports.add(act.report);
      case "refuse": {
        const { key } = act;
        const noted = journal.note([{ kind: "refused", atMs: Date.now(), key }]);
        // It must never start here, also after a crash of the machine.
        return void noted.then(({ synced }) => synced).then(() => reports.add({ kind: "unknown", key }));
      }
      case "lose": {
        const { report } = act;
        log.error({ key: report.key }, "an attempt is in the journal but not in the worker; it is reported lost");
        const noted = journal.note([{ kind: "ended", atMs: report.endedAtMs, report }]);
        return void noted.then(() => reports.add(report));
      }
      case "nonsense":
        log.warn({ key: act.key }, "the server asks for something that is no attempt");
    }
  }
}
