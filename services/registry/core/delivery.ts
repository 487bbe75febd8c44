/** With the waits below the tries of one delivery take some eight hours: a receiver that is away for a night still hears of everything. */
export const ATTEMPTS_MAX = 15;
const FIRST_WAIT_MS = 2_000;
const WAIT_MS_MAX = 3_600_000;

/** What became of a try. */
export type Tried =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfterMs: number | null }
  | { readonly kind: "failed"; readonly error: string };

export type Verdict =
  | { readonly state: "sent" }
  | { readonly state: "pending"; readonly nextMs: number; readonly error: string }
  | { readonly state: "dead"; readonly error: string };

/** `random`: uniform in [0, 1). */
export function verdictOf(tried: Tried, attempts: number, nowMs: number, random: number): Verdict {
  if (tried.kind === "answered" && tried.status >= 200 && tried.status < 300) return { state: "sent" };
  const error = tried.kind === "failed" ? tried.error : `the receiver answered ${tried.status}`;
  // Of 4xx only these say "not now"; nobody follows a redirect to where nobody meant to send.
  const final = tried.kind === "answered" && tried.status < 500 && ![408, 425, 429].includes(tried.status);
  if (final || attempts >= ATTEMPTS_MAX) return { state: "dead", error };
  const waitMs = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (attempts - 1)) * (0.5 + random / 2);
  const askedMs = tried.kind === "answered" ? Math.min(WAIT_MS_MAX, tried.retryAfterMs ?? 0) : 0;
  return { state: "pending", nextMs: nowMs + Math.max(waitMs, askedMs), error };
}
