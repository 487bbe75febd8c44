import type { Store, Stored } from "../../lib/cas.ts";
import { WeftError } from "../../lib/core/error.ts";

/**
 * For this long after it was stored, or somebody was told that it is there, an artifact is never removed, referred to or not: a client stores
 * the files of a job, and only then submits it; an agent stores outputs, and reports them when Postgres and NATS answer again. Longer than
 * an outage over a weekend; shorter only keeps less garbage.
 */
export const GRACE_MS = 72 * 3600 * 1000;
/** What is counted on is made young again only at half of that, so that asking costs no write but once in a day and a half. */
export const TOUCH_AFTER_MS = GRACE_MS / 2;

/** What was found there, counted on from now. Errors: `unavailable` when a collection took it before that: it must be sent again. */
export async function countedOn(store: Store, stored: Stored): Promise<Stored> {
  if (!stored.existed) return stored;
  await store.touch([stored.digest], TOUCH_AFTER_MS);
  if ((await store.stat(stored.digest)) !== undefined) return stored;
  throw new WeftError("unavailable", `artifact ${stored.digest} was just collected as garbage; send it again`);
}
