/**
 * Tries of one delivery, be it a notification or a webhook's. With the waits below they take some seven hours (five to nine, by chance): a
 * receiver that is away for a night's maintenance still learns of everything, and what nobody takes does not stay for ever.
 */
export const ATTEMPTS_MAX = 19;
const FIRST_WAIT_MS = 5_000;
const WAIT_MS_MAX = 3_600_000;

/** How a try went. */
export type Outcome =
  | { readonly kind: "sent"; readonly note: string }
  /** It may go better later; `afterMs`: as the receiver asked. */
  | { readonly kind: "failed"; readonly error: string; readonly afterMs: number | null }
  /** It will not. */
  | { readonly kind: "refused"; readonly error: string };

/** Null: it is dead. `random`: uniform in [0, 1). */
export function nextTryMs(outcome: Outcome, attempts: number, nowMs: number, random: number): number | null {
  if (outcome.kind !== "failed" || attempts >= ATTEMPTS_MAX) return null;
  const asked = Math.min(WAIT_MS_MAX, outcome.afterMs ?? 0);
  return nowMs + Math.max(asked, waitMs(attempts, random));
}

/** After so many tries that failed. `random`: uniform in [0, 1). */
export function waitMs(attempts: number, random: number, msMax = WAIT_MS_MAX): number {
  return Math.min(msMax, FIRST_WAIT_MS * 2 ** (attempts - 1)) * (0.5 + random / 2);
}

/** What an HTTP status says about trying again. */
export function outcomeOfStatus(status: number, retryAfter: string | null): Outcome {
  if (status >= 200 && status < 300) return { kind: "sent", note: "" };
  const error = `the receiver answered ${status}`;
  // 408, 425 and 429 say "not now"; of 3xx nobody follows a redirect to where nobody meant to send.
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const seconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) * 1000 : null;
    return { kind: "failed", error, afterMs: seconds };
  }
  return { kind: "refused", error: status < 400 ? `${error}, a redirect: give the address that it leads to` : error };
}
