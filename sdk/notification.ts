import { weftServices } from "../proto/channel.ts";
import type { Notification__Output } from "../proto/gen/weft/v1/Notification.ts";
import { dateOf, said } from "./job.ts";
import type { Link } from "./link.ts";

const DEADLINE_MS = 10_000;

export interface Notification {
  readonly id: string;
  readonly jobId: string;
  readonly pipeline: string;
  /** started, succeeded, failed, cancelled */
  readonly event: string;
  readonly kind: "webhook" | "email";
  /** Host of the webhook, name of the channel, or addresses: never the URL. */
  readonly target: string;
  readonly state: "pending" | "sent" | "dead";
  readonly attempts: number;
  readonly createdAt: Date;
  /** Of the next try. */
  readonly nextAt: Date | null;
  readonly sentAt: Date | null;
  /** Of the last try. */
  readonly error: string | null;
}

/** What was sent and what could not be: `client.notifications`. */
export class NotificationClient {
  readonly #link: Link;
  readonly #notifications = weftServices().NotificationService.service;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Newest first. */
  async list(
    options: { readonly state?: string; readonly jobId?: string; readonly limit?: number } = {},
  ): Promise<Notification[]> {
    const { state = "", jobId = "", limit = 0 } = options;
    const response = await this.#link.unary(this.#notifications.List, { state, jobId, limit }, DEADLINE_MS);
    return response.notifications.map(notificationOf);
  }

  /** Tries a dead one again, from the beginning. */
  async retry(id: string): Promise<Notification> {
    return notificationOf(await this.#link.unary(this.#notifications.Retry, { id }, DEADLINE_MS));
  }
}

function notificationOf(message: Notification__Output): Notification {
  return {
    id: message.id,
    jobId: message.jobId,
    pipeline: message.pipeline,
    event: message.event,
    kind: message.kind as Notification["kind"],
    target: message.target,
    state: message.state as Notification["state"],
    attempts: message.attempts,
    createdAt: new Date(message.createdAtMs),
    nextAt: dateOf(message.nextAtMs),
    sentAt: dateOf(message.sentAtMs),
    error: said(message.error),
  };
}
