import { createTransport, type Transporter } from "nodemailer";
import { type Outcome, outcomeOfStatus } from "../../lib/core/delivery.ts";
import { describeError } from "../../lib/core/error.ts";
import type { NotifyTarget } from "../../lib/core/pipeline/notify.ts";
import { channelUrl, type NotifySettings } from "./settings.ts";
import type { NotificationRow } from "./store.ts";

/** One try: a receiver that takes longer is tried again. */
const TIMEOUT_MS = 10_000;
const ERROR_LENGTH_MAX = 500;
/** Names the notification, so that a receiver can tell one that comes twice: it is sent at least once. */
const ID_HEADER = "Weft-Notification-Id";

/** Sends one notification, once. Never throws, and says no secret in what it gives back. */
export class NotificationSender {
  readonly #settings: NotifySettings;
  #transport: Transporter | undefined;

  constructor(settings: NotifySettings) {
    this.#settings = settings;
  }

  async send(row: NotificationRow, signal: AbortSignal): Promise<Outcome> {
    const { target } = row;
    switch (target.kind) {
      case "email":
        return this.#mail(row, target.to);
      case "webhook":
        return post(target.url, row, target.format, signal);
      case "channel": {
        const url = channelUrl(this.#settings, target.channel);
        if (url !== undefined) return post(url, row, target.format, signal);
        return failed(`this server knows no channel "${target.channel}"`);
      }
    }
  }

  close(): void {
    this.#transport?.close();
  }

  async #mail(row: NotificationRow, to: readonly string[]): Promise<Outcome> {
    const { smtp } = this.#settings;
    if (!smtp) return failed("this server sends no e-mail: it was started without WEFT_SMTP_URL");
    const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
    this.#transport ??= createTransport({ url: smtp.url, ...timeouts });
    try {
      const sent = await this.#transport.sendMail({
        from: smtp.from,
        to: [...to],
        subject: row.subject,
        text: row.text,
        messageId: `<${row.id}@weft>`,
        headers: { [ID_HEADER]: row.id },
      });
      const rejected = (sent.rejected ?? []).map(String);
      return { kind: "sent", note: rejected.length === 0 ? "" : `not taken for ${rejected.join(", ")}` };
    } catch (error) {
      const { responseCode } = error as { responseCode?: number };
      const said = describeError(error).slice(0, ERROR_LENGTH_MAX);
      // 5xx is final by RFC 5321; but a login that is refused is the operator's to mend.
      const isFinal = responseCode !== undefined && responseCode >= 550 && responseCode < 560;
      return isFinal ? { kind: "refused", error: said } : failed(said);
    }
  }
}

async function post(
  url: string,
  row: NotificationRow,
  format: "json" | "slack",
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "weft", [ID_HEADER]: row.id },
      body: JSON.stringify(format === "slack" ? { text: row.text } : { id: row.id, ...(row.body as object) }),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return outcomeOfStatus(response.status, response.headers.get("retry-after"));
  } catch (error) {
    return failed(describeError(error).replaceAll(url, "the URL").slice(0, ERROR_LENGTH_MAX));
  }
}

function failed(error: string): Outcome {
  return { kind: "failed", error, afterMs: null };
}

/** Where it goes, for people: never a path, a query or a login, which may hold a secret. */
export function shownTarget(target: NotifyTarget): string {
  if (target.kind === "email") return target.to.join(", ");
  return target.kind === "channel" ? target.channel : new URL(target.url).host;
}

/** What is kept of the target of one that was sent. */
export function withoutSecret(target: NotifyTarget): NotifyTarget {
  return target.kind === "webhook" ? { ...target, url: `${new URL(target.url).origin}/` } : target;
}
