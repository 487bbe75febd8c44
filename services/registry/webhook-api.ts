import { checkWebhookEvent, checkWebhookName, checkWebhookUrl, WEBHOOK_EVENTS } from "./core/event.ts";
import { checkLength, REGISTRY_LIMITS } from "./core/name.ts";
import {
  type Fields,
  invalid,
  invalidPageToken,
  isInt64,
  makePageToken,
  type MlflowRoute,
  readPageToken,
} from "../tracking/index.ts";
import type { RegistryParts } from "./parts.ts";
import type { Registry } from "./registry.ts";
import { postWebhook } from "./webhook-post.ts";
import {
  deleteWebhook,
  getWebhook,
  insertWebhook,
  listWebhooks,
  updateWebhook,
  type WebhookChange,
  type WebhookRow,
} from "./webhook-store.ts";

const WEBHOOKS_PER_PAGE = { min: 1, max: 1_000, fallback: 100 } as const;
const SECRET_CHARS_MAX = 1_000;
const PAGE_SHAPE = "webhooks";

const idOf = (fields: Fields): string => fields.requiredText("webhook_id");

/** Webhooks of the registry, as MLflow's clients know them. The secret is shown to nobody. */
export function webhookRoutes({ parts }: Registry): MlflowRoute[] {
  const { pool, now } = parts;
  const one = "/webhooks/:webhook_id";
  return [
    {
      method: "POST",
      path: "/webhooks",
      answer: async (fields) => {
        const row = readWebhook(fields, parts);
        await insertWebhook(pool, row);
        return { webhook: webhookJson(row) };
      },
    },
    { method: "GET", path: "/webhooks", answer: (fields) => listPage(fields, parts) },
    {
      method: "GET",
      path: one,
      answer: async (fields) => ({ webhook: webhookJson(await getWebhook(pool, idOf(fields))) }),
    },
    {
      method: "PATCH",
      path: one,
      answer: async (fields) => ({
        webhook: webhookJson(await updateWebhook(pool, idOf(fields), readChange(fields), now())),
      }),
    },
    {
      method: "DELETE",
      path: one,
      answer: async (fields) => {
        await deleteWebhook(pool, idOf(fields));
        return undefined;
      },
    },
    { method: "POST", path: `${one}/test`, answer: (fields) => tryOut(fields, parts) },
  ];
}

function readWebhook(fields: Fields, { now, newId }: RegistryParts): WebhookRow {
  const nowMs = now();
  return {
    id: newId(),
    name: checkWebhookName(fields.requiredText("name")),
    url: checkWebhookUrl(fields.requiredText("url")),
    events: readEvents(fields),
    description: readDescription(fields) ?? "",
    secret: readSecret(fields) || null,
    status: readStatus(fields) ?? "ACTIVE",
    createdMs: nowMs,
    updatedMs: nowMs,
  };
}

async function listPage(fields: Fields, { pool }: RegistryParts): Promise<object> {
  const limit = fields.within("max_results", WEBHOOKS_PER_PAGE);
  const after = readPageToken(fields.text("page_token"), PAGE_SHAPE, 2);
  if (after !== null && !isInt64(after[0]!)) throw invalidPageToken();
  const rows = await listWebhooks(pool, limit + 1, after && { createdMs: Number(after[0]), id: String(after[1]) });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    webhooks: page.map(webhookJson),
    ...(last ? { next_page_token: makePageToken(PAGE_SHAPE, [String(last.createdMs), last.id]) } : {}),
  };
}

/** Sends an example now, once. */
async function tryOut(fields: Fields, { pool, now, newId }: RegistryParts): Promise<object> {
  const { url, secret, events } = await getWebhook(pool, idOf(fields));
  const asked = fields.object("event");
  const event = asked ? readEvent(asked) : events[0]!;
  const nowMs = now();
  const delivery = { id: newId(), url, secret, event, data: WEBHOOK_EVENTS[event] ?? {}, atMs: nowMs };
  const { outcome, answer } = await postWebhook(delivery, nowMs);
  if (answer === null) {
    const why = outcome.kind === "sent" ? "" : outcome.error;
    return { result: { success: false, error_message: `Failed to test webhook: ${why}` } };
  }
  const { status, body } = answer;
  return { result: { success: status < 400, response_status: status, response_body: body } };
}

function readChange(fields: Fields): WebhookChange {
  const [name, url] = [fields.text("name") ?? "", fields.text("url") ?? ""];
  const description = readDescription(fields);
  const secret = readSecret(fields);
  const status = readStatus(fields);
  return {
    ...(name === "" ? {} : { name: checkWebhookName(name) }),
    ...(url === "" ? {} : { url: checkWebhookUrl(url) }),
    ...(fields.objects("events").length === 0 ? {} : { events: readEvents(fields) }),
    ...(description === undefined ? {} : { description }),
    ...(secret === undefined ? {} : { secret }),
    ...(status === undefined ? {} : { status }),
  };
}

function readEvents(fields: Fields): string[] {
  const events = fields.objects("events").map(readEvent);
  if (events.length === 0) throw invalid("Webhook events must be a non-empty list of WebhookEvent objects: [].");
  return [...new Set(events)];
}

const readEvent = (fields: Fields): string =>
  checkWebhookEvent(fields.requiredText("entity"), fields.requiredText("action"));

function readDescription(fields: Fields): string | undefined {
  const text = fields.text("description");
  if (text !== undefined) checkLength("description", text, REGISTRY_LIMITS.descriptionChars);
  return text;
}

function readSecret(fields: Fields): string | undefined {
  const text = fields.text("secret");
  if (text !== undefined) checkLength("secret", text, SECRET_CHARS_MAX);
  return text;
}

function readStatus(fields: Fields): WebhookRow["status"] | undefined {
  const text = fields.text("status");
  if (text === undefined || text === "ACTIVE" || text === "DISABLED") return text;
  throw invalid(`Invalid webhook status: ${text}. It must be ACTIVE or DISABLED`);
}

function webhookJson(row: WebhookRow): object {
  return {
    webhook_id: row.id,
    name: row.name,
    ...(row.description === "" ? {} : { description: row.description }),
    url: row.url,
    events: row.events.map((event) => {
      const [entity, action] = event.split(".");
      return { entity, action };
    }),
    status: row.status,
    creation_timestamp: row.createdMs,
    last_updated_timestamp: row.updatedMs,
  };
}
