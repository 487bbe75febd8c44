import { expect, test } from "vitest";
import { ATTEMPTS_MAX, verdictOf } from "./delivery.ts";

const answered = (status: number, retryAfterMs: number | null = null) =>
  ({ kind: "answered", status, retryAfterMs }) as const;

test("what was taken is sent, what is refused for good is dead, what may go better later waits", () => {
  expect(verdictOf(answered(204), 1, 0, 0)).toEqual({ state: "sent" });
  for (const status of [301, 400, 404, 410]) expect(verdictOf(answered(status), 1, 0, 0).state).toBe("dead");
  for (const status of [408, 425, 429, 500, 503]) expect(verdictOf(answered(status), 1, 0, 0).state).toBe("pending");
  expect(verdictOf({ kind: "failed", error: "no route" }, 1, 0, 0)).toMatchObject({
    state: "pending",
    error: "no route",
  });
});

test("each pause is longer, up to an hour, and as long as the receiver asked; after the last try nothing comes", () => {
  const pauses = Array.from({ length: ATTEMPTS_MAX - 1 }, (_, tried) => {
    const verdict = verdictOf(answered(500), tried + 1, 1_000, 0.999_999);
    return verdict.state === "pending" ? verdict.nextMs - 1_000 : 0;
  });
  expect(pauses.every((pause, i) => i === 0 || pause >= pauses[i - 1]!)).toBe(true);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(3_600_000);
  expect(verdictOf(answered(503, 90_000), 1, 0, 0)).toMatchObject({ nextMs: 90_000 });
  expect(verdictOf(answered(500), ATTEMPTS_MAX, 0, 0).state).toBe("dead");
});
