import type { PoolClient } from "pg";
import { inTransaction } from "../../lib/db.ts";
import type { Change } from "./core/event.ts";
import { recordChange } from "./event-store.ts";
import type { Actor, RegistryParts } from "./parts.ts";

/** One change of the registry under way: all of it is committed, or nothing. */
export interface Work {
  readonly client: PoolClient;
  readonly nowMs: number;
  readonly by: Actor;
  /** Tells of the change, once it is committed. */
  readonly tell: (change: Change) => Promise<void>;
}

/** Where changes are made: each in one transaction, with what is told of it. */
export class Desk {
  readonly parts: RegistryParts;
  readonly #told: () => void;

  /** `told`: there is something to publish. */
  constructor(parts: RegistryParts, told: () => void) {
    this.parts = parts;
    this.#told = told;
  }

  async change<T>(by: Actor, work: (work: Work) => Promise<T>): Promise<T> {
    const { pool, now, onChange } = this.parts;
    let told = false;
    const result = await inTransaction(pool, async (client) => {
      const nowMs = now();
      return work({
        client,
        nowMs,
        by,
        tell: async (change) => {
          told = true;
          await recordChange(client, change, by, nowMs);
          await onChange?.(client, change, nowMs);
        },
      });
    });
    if (told) this.#told();
    return result;
  }
}
