/**
 * For this long after it was stored, or somebody was told that it is there, an artifact is never removed, referred to or not: a client stores
 * the files of a job, and only then submits it; an agent stores outputs, and reports them when Postgres and NATS answer again. Longer than
 * an outage over a weekend; shorter only keeps less garbage.
 */
export const GRACE_MS = 72 * 3600 * 1000;
/** What is counted on is made young again only at half of that, so that asking costs no write but once in a day and a half. */
export const TOUCH_AFTER_MS = GRACE_MS / 2;
