import { isoTime } from "../../../lib/core/wall-clock.ts";
import { invalid } from "./name.ts";

/** What changed. Webhooks know those of MLflow (`WEBHOOK_EVENTS`); all of them are published to NATS. */
export type EntityKind = "model" | "version" | "model_tag" | "version_tag" | "alias" | "stage" | "gates" | "key";
export type Action = "CREATED" | "UPDATED" | "DELETED" | "SET" | "EVALUATED" | "SIGNED" | "REFUSED";

export interface Change {
  readonly entity: EntityKind;
  readonly action: Action;
  /** Empty: of no model, e.g. the gates. */
  readonly model: string;
  readonly isPrompt: boolean;
  /** What MLflow's webhooks tell of it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** What else there is to know: who, why, from where. */
  readonly more: Readonly<Record<string, unknown>>;
}

const ENTITIES: Readonly<Record<EntityKind, { readonly model: string; readonly prompt: string }>> = {
  model: { model: "REGISTERED_MODEL", prompt: "PROMPT" },
  version: { model: "MODEL_VERSION", prompt: "PROMPT_VERSION" },
  model_tag: { model: "REGISTERED_MODEL_TAG", prompt: "PROMPT_TAG" },
  version_tag: { model: "MODEL_VERSION_TAG", prompt: "PROMPT_VERSION_TAG" },
  alias: { model: "MODEL_VERSION_ALIAS", prompt: "PROMPT_ALIAS" },
  stage: { model: "MODEL_VERSION_STAGE", prompt: "PROMPT_VERSION_STAGE" },
  gates: { model: "GATES", prompt: "GATES" },
  key: { model: "SIGNING_KEY", prompt: "SIGNING_KEY" },
};

/** `ENTITY.ACTION` */
export function eventName({ entity, action, isPrompt }: Pick<Change, "entity" | "action" | "isPrompt">): string {
  return `${ENTITIES[entity][isPrompt ? "prompt" : "model"]}.${action}`;
}

/** What webhooks can ask for, with the example that a test sends (mlflow/webhooks/types.py). */
export const WEBHOOK_EVENTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "REGISTERED_MODEL.CREATED": {
    name: "example_model",
    tags: { example_key: "example_value" },
    description: "An example registered model",
  },
  "MODEL_VERSION.CREATED": {
    name: "example_model",
    version: "1",
    source: "models:/123",
    run_id: "abcd1234abcd5678",
    tags: { example_key: "example_value" },
    description: "An example model version",
  },
  "MODEL_VERSION_TAG.SET": { name: "example_model", version: "1", key: "example_key", value: "example_value" },
  "MODEL_VERSION_TAG.DELETED": { name: "example_model", version: "1", key: "example_key" },
  "MODEL_VERSION_ALIAS.CREATED": { name: "example_model", alias: "example_alias", version: "1" },
  "MODEL_VERSION_ALIAS.DELETED": { name: "example_model", alias: "example_alias" },
  "PROMPT.CREATED": {
    name: "example_prompt",
    tags: { example_key: "example_value" },
    description: "An example prompt",
  },
  "PROMPT_VERSION.CREATED": {
    name: "example_prompt",
    version: "1",
    template: "Hello {{name}}!",
    tags: { example_key: "example_value" },
    description: "An example prompt version",
  },
  "PROMPT_TAG.SET": { name: "example_prompt", key: "example_key", value: "example_value" },
  "PROMPT_TAG.DELETED": { name: "example_prompt", key: "example_key" },
  "PROMPT_VERSION_TAG.SET": { name: "example_prompt", version: "1", key: "example_key", value: "example_value" },
  "PROMPT_VERSION_TAG.DELETED": { name: "example_prompt", version: "1", key: "example_key" },
  "PROMPT_ALIAS.CREATED": { name: "example_prompt", alias: "example_alias", version: "1" },
  "PROMPT_ALIAS.DELETED": { name: "example_prompt", alias: "example_alias" },
};

export function checkWebhookEvent(entity: string, action: string): string {
  const name = `${entity}.${action}`;
  if (Object.hasOwn(WEBHOOK_EVENTS, name)) return name;
  throw invalid(`Invalid webhook event: ${name}. This server has these: ${Object.keys(WEBHOOK_EVENTS).join(", ")}`);
}

/** The body of a webhook's request, as MLflow's servers send it. */
export function webhookBody(event: string, data: unknown, atMs: number): string {
  const [entity, action] = event.split(".") as [string, string];
  const timestamp = isoTime(atMs).replace("Z", "+00:00");
  return JSON.stringify({ entity: entity.toLowerCase(), action: action.toLowerCase(), timestamp, data });
}

interface Told {
  readonly id: number;
  readonly event: string;
  readonly model: string;
  readonly by: string;
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly more: Readonly<Record<string, unknown>>;
}

/** Of a text that stays in a message that was too large: names of models and versions are shorter. */
const BRIEF_CHARS_MAX = 300;

/**
 * What a reader of NATS gets, in JSON. One that NATS would refuse for its size (a thousand tags) would keep all that come after it waiting for
 * ever: it goes without its long texts, lists and maps, and says so by `cut`.
 */
export function natsMessage({ id, event, model, by, atMs, data, more }: Told, bytesMax: number): string {
  const [entity, action] = event.toLowerCase().split(".");
  const head = { id, entity, action, model, at: isoTime(atMs), by };
  const whole = JSON.stringify({ ...head, data, more });
  if (Buffer.byteLength(whole) <= bytesMax) return whole;
  return JSON.stringify({ ...head, data: brief(data), more: brief(more), cut: true });
}

function brief(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isBrief = (value: unknown): boolean =>
    typeof value === "string" ? value.length <= BRIEF_CHARS_MAX : typeof value !== "object" || value === null;
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isBrief(value)));
}

/** Below `weft.event.`: `registry.<entity>.<action>.<model>`, each token of letters, digits, - and _. */
export function subjectOf(event: string, model: string): string {
  const token = model === "" ? "_" : model.replaceAll(/[^A-Za-z0-9_-]/g, "_");
  return `registry.${event.toLowerCase()}.${token}`;
}

const WEBHOOK_NAME = /^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i;

export function checkWebhookName(name: string): string {
  if (WEBHOOK_NAME.test(name)) return name;
  throw invalid(
    `Webhook name '${name}' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).`,
  );
}

/** Of a URL, which becomes part of requests and messages. */
const URL_CHARS_MAX = 2_048;

export function checkWebhookUrl(url: string): string {
  if (url.trim() === "") throw invalid(`Webhook URL cannot be empty or just whitespace: '${url}'`);
  if (url.length > URL_CHARS_MAX) throw invalid(`'url' exceeds the maximum length of ${URL_CHARS_MAX} characters`);
  const scheme = /^([^:]*):/.exec(url)?.[1] ?? "";
  if (!["http", "https"].includes(scheme.toLowerCase()))
    throw invalid(`Invalid webhook URL scheme: '${scheme}'. Allowed schemes are: http, https.`);
  if (!URL.canParse(url) || new URL(url).hostname === "")
    throw invalid(`Webhook URL must include a hostname: '${url}'`);
  return url;
}
