import { gzip } from "node:zlib";
import { promisify } from "node:util";
import { type Outcome, outcomeOfStatus } from "../../../lib/core/delivery.ts";
import { describeError } from "../../../lib/core/error.ts";
import { readStart } from "../../../lib/read-start.ts";

export interface Receiver {
  /** Where one event is posted to; a list of them goes to `/batch` below it. */
  readonly url: string;
  /** Sent as a bearer token; null: none. */
  readonly apiKey: string | null;
}

/** One try: Marquez takes some hundred milliseconds an event when it is busy. */
const TIMEOUT_MS = 15_000;
const AT_ONCE_MAX = 16;
const ERROR_CHARS_MAX = 500;
/** Of an answer: what it says about each event of a batch, and no more than that. */
const ANSWER_CHARS_MAX = 4 * 2 ** 20;
/** Smaller bodies gain nothing by it. */
const GZIP_BYTES_MIN = 4_096;
/** What a server answers that has no such route. */
const NO_ROUTE: ReadonlySet<number> = new Set([404, 405, 501]);
/** Of a batch: one event may have been too much for it, and then the others can still be taken one by one. */
const NOT_TOGETHER: ReadonlySet<number> = new Set([400, 413, 422]);
/** These speak about how we are set up, which an operator mends, and not about the event. */
const SETTING: ReadonlySet<number> = new Set([401, 403, 404, 405, 407]);

const pack = promisify(gzip);

/** Posts events to a receiver of OpenLineage: many at once where it takes batches, else one by one, which is all that Marquez and most others know. */
export class EventPost {
  readonly #receiver: Receiver;
  readonly #signal: AbortSignal;
  #batches = true;

  constructor(receiver: Receiver, signal: AbortSignal) {
    this.#receiver = receiver;
    this.#signal = signal;
  }

  /**
   * In their order where the order matters: the elements of one list at once, one list after the other. "sent": all were taken, or refused for good,
   * which `refused` hears of. Never throws.
   */
  async send(waves: readonly (readonly object[])[], refused: (event: object, why: string) => void): Promise<Outcome> {
    const events = waves.flat();
    if (events.length > 1 && this.#batches) {
      const outcome = await this.#sendTogether(events, refused);
      if (outcome !== undefined) return outcome;
    }
    for (const wave of waves) {
      for (let start = 0; start < wave.length; start += AT_ONCE_MAX) {
        const outcomes = await Promise.all(
          wave.slice(start, start + AT_ONCE_MAX).map((one) => this.#sendOne(one, refused)),
        );
        const failed = outcomes.find(({ kind }) => kind === "failed");
        if (failed !== undefined) return failed;
      }
    }
    return { kind: "sent", note: "" };
  }

  /** Undefined: not together. */
  async #sendTogether(
    events: readonly object[],
    refused: (event: object, why: string) => void,
  ): Promise<Outcome | undefined> {
    const answer = await this.#post(`${this.#receiver.url}/batch`, events);
    if ("error" in answer) return { kind: "failed", error: answer.error, afterMs: null };
    if (NO_ROUTE.has(answer.status)) this.#batches = false;
    if (NO_ROUTE.has(answer.status) || NOT_TOGETHER.has(answer.status)) return undefined;
    const outcome = outcomeOf(answer);
    if (outcome.kind !== "sent") return outcome;
    let again = "";
    for (const { index, reason = "", retriable } of failedEvents(answer.body)) {
      const event = typeof index === "number" ? events[index] : undefined;
      if (retriable === true) again ||= reason || "no reason given";
      else if (event !== undefined) refused(event, reason);
    }
    return again === "" ? outcome : { kind: "failed", error: again, afterMs: null };
  }

  async #sendOne(event: object, refused: (event: object, why: string) => void): Promise<Outcome> {
    const answer = await this.#post(this.#receiver.url, event);
    if ("error" in answer) return { kind: "failed", error: answer.error, afterMs: null };
    const outcome = outcomeOf(answer);
    if (outcome.kind === "refused") refused(event, `${outcome.error}: ${answer.body}`.slice(0, ERROR_CHARS_MAX));
    return outcome;
  }

  async #post(url: string, body: object): Promise<Answer | { readonly error: string }> {
    const { apiKey } = this.#receiver;
    const plain = Buffer.from(JSON.stringify(body));
    const zipped = plain.length >= GZIP_BYTES_MIN;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "weft",
          ...(zipped ? { "content-encoding": "gzip" } : {}),
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: zipped ? await pack(plain) : plain,
        redirect: "manual",
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const { status, headers } = response;
      return { status, retryAfter: headers.get("retry-after"), body: await readStart(response, ANSWER_CHARS_MAX) };
    } catch (error) {
      return { error: describeError(error).slice(0, ERROR_CHARS_MAX) };
    }
  }
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: string;
}

function outcomeOf({ status, retryAfter }: Answer): Outcome {
  const outcome = outcomeOfStatus(status, retryAfter);
  return outcome.kind === "refused" && (SETTING.has(status) || status < 400)
    ? { kind: "failed", error: outcome.error, afterMs: null }
    : outcome;
}

/** Of the spec's answer to a batch; empty: all were taken. */
function failedEvents(body: string): { index?: unknown; reason?: string; retriable?: unknown }[] {
  try {
    const { failed_events: failed } = JSON.parse(body) as { failed_events?: unknown };
    return Array.isArray(failed) ? (failed as { index?: unknown; reason?: string; retriable?: unknown }[]) : [];
  } catch {
    return [];
  }
}
