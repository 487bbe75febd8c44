import { createHmac } from "node:crypto";
import { type Outcome, outcomeOfStatus } from "../../lib/core/delivery.ts";
import { describeError } from "../../lib/core/error.ts";
import { readStart } from "../../lib/read-start.ts";
import { webhookBody } from "./core/event.ts";

/** One try: a receiver that takes longer is tried again. */
const TIMEOUT_MS = 10_000;
const ERROR_CHARS_MAX = 500;
const ANSWER_CHARS_MAX = 4_000;

export interface Delivery {
  readonly id: string;
  readonly url: string;
  readonly secret: string | null;
  readonly event: string;
  readonly data: unknown;
  /** When it happened. */
  readonly atMs: number;
}

export interface Posted {
  readonly outcome: Outcome;
  /** Null: nobody answered. */
  readonly answer: { readonly status: number; readonly body: string } | null;
}

/**
 * Sends one delivery, once, as MLflow's servers do: `X-MLflow-Signature: v1,<base64 of HMAC-SHA256 over id.timestamp.body>`,
 * `X-MLflow-Delivery-Id`, `X-MLflow-Timestamp` in seconds. Never throws.
 */
export async function postWebhook(delivery: Delivery, nowMs: number, signal?: AbortSignal): Promise<Posted> {
  const body = webhookBody(delivery.event, delivery.data, delivery.atMs);
  const timestamp = String(Math.floor(nowMs / 1000));
  const { id, secret, url } = delivery;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "weft",
        "x-mlflow-delivery-id": id,
        "x-mlflow-timestamp": timestamp,
        ...(secret === null ? {} : { "x-mlflow-signature": signatureOf(secret, id, timestamp, body) }),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.any([...(signal ? [signal] : []), AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const { status, headers } = response;
    const answer = { status, body: await readStart(response, ANSWER_CHARS_MAX) };
    return { outcome: outcomeOfStatus(status, headers.get("retry-after")), answer };
  } catch (error) {
    const outcome = { kind: "failed", error: describeError(error).slice(0, ERROR_CHARS_MAX), afterMs: null } as const;
    return { outcome, answer: null };
  }
}

function signatureOf(secret: string, id: string, timestamp: string, body: string): string {
  return `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
}
