import type { NotifySpec, NotifySpec__Output } from "../../../proto/gen/weft/v1/NotifySpec.ts";
import type { Issue } from "../error.ts";
import { hint } from "./nearest.ts";
import { parsePlaceholders } from "./placeholder.ts";
import type { PipelineSpec } from "./spec.ts";

export type NotifyState = "started" | "succeeded" | "failed" | "cancelled";
export type WebhookFormat = "json" | "slack";

export type NotifyTarget =
  | { readonly kind: "webhook"; readonly url: string; readonly format: WebhookFormat }
  /** The server's environment has the URL: WEFT_NOTIFY_<CHANNEL>. */
  | { readonly kind: "channel"; readonly channel: string; readonly format: WebhookFormat }
  | { readonly kind: "email"; readonly to: readonly string[]; readonly subject: string };

/** Whom to tell of which states. Complete: every default is filled in. */
export interface NotifyRule {
  readonly on: readonly NotifyState[];
  readonly target: NotifyTarget;
  /** Template. */
  readonly text: string;
}

export const NOTIFY_STATES: readonly NotifyState[] = ["started", "succeeded", "failed", "cancelled"];
export const FORMATS: readonly WebhookFormat[] = ["json", "slack"];
export const NOTIFY_DEFAULTS = {
  text: "{{ job.pipeline }} {{ job.state }}: job {{ job.id }}{{ job.because }}",
  subject: "{{ job.pipeline }} {{ job.state }} ({{ job.id }})",
  format: "json",
} as const;
export const NOTIFY_LIMITS = {
  /** Of one pipeline: each is a row and a request a state. */
  rules: 20,
  addresses: 50,
  /** Slack cuts a text at 40,000 characters and shows 4,000. */
  textLength: 4_000,
  subjectLength: 200,
  urlLength: 2_000,
} as const;

/** What a template can name. */
const JOB_FIELDS = [
  "id",
  "pipeline",
  "state",
  "reason",
  "because",
  "trigger",
  "submittedAt",
  "startedAt",
  "finishedAt",
  "duration",
] as const;

export function notifyFromProto(message: NotifySpec__Output, path: Issue["path"], issues: Issue[]): NotifyRule | null {
  const target = targetOf(message);
  if (target === null) {
    issues.push({ path, message: "says nobody to notify; one of webhook and email would be right" });
    return null;
  }
  return { on: message.on as NotifyState[], target, text: message.text || NOTIFY_DEFAULTS.text };
}

function targetOf({ webhook, email }: NotifySpec__Output): NotifyTarget | null {
  if (webhook) {
    const format = (webhook.format || NOTIFY_DEFAULTS.format) as WebhookFormat;
    if (webhook.channel !== "") return { kind: "channel", channel: webhook.channel, format };
    return { kind: "webhook", url: webhook.url, format };
  }
  return email ? { kind: "email", to: email.to, subject: email.subject || NOTIFY_DEFAULTS.subject } : null;
}

export function notifyToProto({ on, target, text }: NotifyRule): NotifySpec {
  switch (target.kind) {
    case "webhook":
      return { on: [...on], text, webhook: { url: target.url, format: target.format } };
    case "channel":
      return { on: [...on], text, webhook: { channel: target.channel, format: target.format } };
    case "email":
      return { on: [...on], text, email: { to: [...target.to], subject: target.subject } };
  }
}

type Add = (path: readonly (string | number)[], message: string) => void;

/** Everything that is wrong with `notify:`. */
export function checkNotify(spec: PipelineSpec, issues: Issue[]): void {
  const rules = spec.notify ?? [];
  if (rules.length > NOTIFY_LIMITS.rules) {
    const message = `the pipeline has ${rules.length} notifications; at most ${NOTIFY_LIMITS.rules} are allowed`;
    issues.push({ path: ["notify"], message });
    return;
  }
  rules.forEach((rule, i) => {
    const add: Add = (within, message) => issues.push({ path: ["notify", i, ...within], message });
    if (rule.on.length === 0) add(["on"], `names no state; ${NOTIFY_STATES.join(", ")} are there`);
    for (const state of rule.on) {
      if (!NOTIFY_STATES.includes(state))
        add(["on"], `"${state}" is no state to notify of${hint(state, NOTIFY_STATES)}`);
    }
    checkTarget(rule.target, add);
    checkTemplate(spec, rule.text, "text", NOTIFY_LIMITS.textLength, add);
    if (rule.target.kind === "email") {
      checkTemplate(spec, rule.target.subject, "subject", NOTIFY_LIMITS.subjectLength, add);
    }
  });
}

function checkTarget(target: NotifyTarget, add: Add): void {
  if (target.kind === "email") {
    if (target.to.length === 0 || target.to.length > NOTIFY_LIMITS.addresses) {
      add(["email"], `names ${target.to.length} addresses; 1 to ${NOTIFY_LIMITS.addresses} would be right`);
    }
    for (const address of target.to) {
      if (!/^[^\s@<>,;"\\]+@[^\s@<>,;"\\]+$/.test(address))
        add(["email"], `"${address}" is no address; ops@example.org is how one looks`);
    }
    return;
  }
  if (!FORMATS.includes(target.format))
    add(["webhook", "format"], `"${target.format}" is no format${hint(target.format, FORMATS)}`);
  if (target.kind === "channel") {
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(target.channel))
      add(["webhook", "channel"], `"${target.channel}" is no name of a channel`);
    return;
  }
  // The value is not repeated: it may hold a secret.
  const right = "an address like https://hooks.example.org/… would be right";
  if (target.url.length > NOTIFY_LIMITS.urlLength || !URL.canParse(target.url))
    return add(["webhook"], `is no URL; ${right}`);
  const { protocol } = new URL(target.url);
  if (protocol !== "https:" && protocol !== "http:") add(["webhook"], `begins with "${protocol}"; ${right}`);
}

function checkTemplate(spec: PipelineSpec, text: string, what: string, lengthMax: number, add: Add): void {
  if (text.length > lengthMax) add([what], `has ${text.length} characters; at most ${lengthMax} are allowed`);
  const parsed = parsePlaceholders(text);
  if (!parsed.ok) return add([what], parsed.message);
  for (const piece of parsed.pieces) {
    if (piece.kind === "text") continue;
    const [root, name, ...more] = piece.path;
    const known: readonly string[] = root === "job" ? JOB_FIELDS : root === "params" ? Object.keys(spec.params) : [];
    if (name !== undefined && more.length === 0 && known.includes(name)) continue;
    const remedy = name === undefined || known.length === 0 ? "; there are job.… and params.…" : hint(name, known);
    add([what], `${piece.source}: there is no ${piece.path.join(".")}${remedy}`);
  }
}
