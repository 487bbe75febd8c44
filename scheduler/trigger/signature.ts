import { createHmac, timingSafeEqual } from "node:crypto";

/** How far the sender's clock may be from ours; what is older may be a replay (the limit that Standard Webhooks names). */
export const TOLERANCE_S = 300;
/** A sender that changes its secret signs with both for a while. */
const SIGNATURES_MAX = 10;
const ID_LENGTH_MAX = 200;

export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export type Verified =
  /** `id`: names the delivery, and was signed; null: the sender names none that could be trusted. */
  { readonly ok: true; readonly id: string | null } | { readonly ok: false; readonly reason: string };

/** GitHub's: `X-Hub-Signature-256: sha256=<hex of HMAC-SHA256 over the body>`. Neither time nor id is signed. */
export function verifyGithub(secret: string, headers: Headers, body: Buffer): Verified {
  const given = one(headers, "x-hub-signature-256");
  if (given === undefined) return refused("the header X-Hub-Signature-256 is missing");
  const hex = /^sha256=([0-9a-f]{64})$/i.exec(given)?.[1];
  if (hex === undefined) return refused("X-Hub-Signature-256 is not sha256= and 64 hex digits");
  const wanted = createHmac("sha256", secret).update(body).digest();
  return timingSafeEqual(wanted, Buffer.from(hex, "hex")) ? { ok: true, id: null } : refused(WRONG);
}

/**
 * Standard Webhooks (github.com/standard-webhooks/standard-webhooks): `webhook-id`, `webhook-timestamp` in seconds, and `webhook-signature`,
 * "v1,<base64 of HMAC-SHA256 over id.timestamp.body>", several with spaces between. The secret is `whsec_` and base64.
 */
export function verifyStandard(secret: string, headers: Headers, body: Buffer, nowMs: number): Verified {
  const [id, timestamp, given] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    one(headers, name),
  );
  if (id === undefined || timestamp === undefined || given === undefined) {
    return refused("webhook-id, webhook-timestamp and webhook-signature must be there");
  }
  if (id === "" || id.length > ID_LENGTH_MAX) return refused(`webhook-id has 1 to ${ID_LENGTH_MAX} characters`);
  if (!/^\d{1,12}$/.test(timestamp)) return refused("webhook-timestamp is no number of seconds");
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
  const matches = given
    .split(" ")
    .slice(0, SIGNATURES_MAX)
    .some((text) => {
      const bytes = Buffer.from(/^v1,([A-Za-z0-9+/=]{1,100})$/.exec(text)?.[1] ?? "", "base64");
      return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
    });
  if (!matches) return refused(WRONG);
  const apartS = Math.abs(nowMs / 1000 - Number(timestamp));
  if (apartS > TOLERANCE_S) {
    return refused(
      `webhook-timestamp is ${Math.round(apartS)} s from this server's clock; ${TOLERANCE_S} s are allowed`,
    );
  }
  return { ok: true, id };
}

const WRONG = "the signature does not fit the body: is it made with this trigger's secret?";

function refused(reason: string): Verified {
  return { ok: false, reason };
}

function one(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
