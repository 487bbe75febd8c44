import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { ListNotificationsRequest__Output } from "../../proto/gen/weft/v1/ListNotificationsRequest.ts";
import type { ListNotificationsResponse } from "../../proto/gen/weft/v1/ListNotificationsResponse.ts";
import type { Notification as NotificationProto } from "../../proto/gen/weft/v1/Notification.ts";
import type { RetryNotificationRequest__Output } from "../../proto/gen/weft/v1/RetryNotificationRequest.ts";
import { shownTarget } from "../notify/send.ts";
import { listNotifications, type NotificationRow, reviveNotification } from "../notify/store.ts";
import type { JobFinder } from "./job-finder.ts";

const STATES = ["pending", "sent", "dead"];
const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;

export interface NotificationApiParts {
  readonly pool: Pool;
  readonly finder: JobFinder;
  /** There is something to send. */
  readonly wake: () => void;
}

/** NotificationService. */
export class NotificationApi {
  readonly #parts: NotificationApiParts;

  constructor(parts: NotificationApiParts) {
    this.#parts = parts;
  }

  async list(request: ListNotificationsRequest__Output): Promise<ListNotificationsResponse> {
    const { pool, finder } = this.#parts;
    const { state } = request;
    if (state !== "" && !STATES.includes(state)) {
      throw new WeftError("invalid", `"${state}" is no state of a notification${hint(state, STATES)}`);
    }
    const job = request.jobId === "" ? "" : await finder.resolve(request.jobId);
    const limit = request.limit === 0 ? LIMIT_DEFAULT : Math.min(request.limit, LIMIT_MAX);
    const rows = await listNotifications(pool, { state, job, limit });
    return { notifications: rows.map(notificationToProto) };
  }

  async retry(request: RetryNotificationRequest__Output): Promise<NotificationProto> {
    const row = await reviveNotification(this.#parts.pool, request.id);
    if (!row) {
      throw new WeftError(
        "not_found",
        `there is no dead notification "${request.id}"; \`weft notifications --state dead\` lists them`,
      );
    }
    this.#parts.wake();
    return notificationToProto(row);
  }
}

function notificationToProto(row: NotificationRow): NotificationProto {
  return {
    id: row.id,
    jobId: row.job,
    pipeline: row.pipeline,
    event: row.event,
    kind: row.target.kind === "email" ? "email" : "webhook",
    target: shownTarget(row.target),
    state: row.state,
    attempts: row.attempts,
    createdAtMs: row.createdAtMs,
    nextAtMs: row.state === "pending" ? Math.max(row.nextAtMs, row.createdAtMs) : 0,
    sentAtMs: row.state === "sent" ? (row.doneAtMs ?? 0) : 0,
    error: row.error,
  };
}
