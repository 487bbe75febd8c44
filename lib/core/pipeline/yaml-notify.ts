import { isScalar, isSeq, type Node } from "yaml";
import { NOTIFY_DEFAULTS, type NotifyRule, type NotifyState, type NotifyTarget, type WebhookFormat } from "./notify.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";
import { readTexts } from "./yaml-trigger.ts";

const KEYS = ["on", "webhook", "email", "subject", "text"] as const;
const NONE: ReadonlySet<string> = new Set();

/** `notify:`, one rule or a list of them. */
export function readNotify(reader: NodeReader, entry: Entry): NotifyRule[] {
  const node = reader.resolve(entry.value);
  const items = isSeq(node) ? (node.items as Node[]) : [node];
  return items.flatMap((item, i) => {
    const path = [...entry.path, i];
    return (
      readRule(reader, {
        name: entry.name,
        path,
        offset: item === null ? entry.offset : offsetOf(item),
        value: item,
      }) ?? []
    );
  });
}

function readRule(reader: NodeReader, entry: Entry): NotifyRule | undefined {
  let on: string[] | undefined;
  let webhook: NotifyTarget | undefined;
  let to: string[] | undefined;
  let subject: string | undefined;
  let text: string | undefined;
  const entries = reader.entries(entry.value, entry.path, 'a rule of "notify"', entry.offset);
  if (!entries) return undefined;
  for (const item of entries) {
    switch (item.name as (typeof KEYS)[number]) {
      case "on":
        on = readTexts(reader, item);
        break;
      case "webhook":
        webhook = readWebhook(reader, item);
        break;
      case "email":
        to = readTexts(reader, item);
        break;
      case "subject":
        subject = textOf(reader, item);
        break;
      case "text":
        text = textOf(reader, item);
        break;
      default:
        reader.unknownKey(item, '"notify"', KEYS, NONE);
    }
  }
  const said = (name: string): boolean => entries.some((item) => item.name === name);
  if (said("webhook") === said("email")) {
    return reader.issue(
      entry.offset,
      entry.path,
      "a notification goes to one of webhook and email; give one of the two",
    );
  }
  if (subject !== undefined && !said("email")) {
    return reader.issue(entry.offset, [...entry.path, "subject"], '"subject" is for e-mail; put it into "text"');
  }
  if (!said("on")) {
    return reader.issue(
      entry.offset,
      [...entry.path, "on"],
      '"on" is missing; a list of states would be right, like [failed]',
    );
  }
  const target = webhook ?? (to && { kind: "email" as const, to, subject: subject ?? NOTIFY_DEFAULTS.subject });
  return target && { on: (on ?? []) as NotifyState[], target, text: text ?? NOTIFY_DEFAULTS.text };
}

/** A URL, or `{ url | channel, format }`. */
function readWebhook(reader: NodeReader, entry: Entry): NotifyTarget | undefined {
  const node = reader.resolve(entry.value);
  if (isScalar(node)) return { kind: "webhook", url: textOf(reader, entry) ?? "", format: NOTIFY_DEFAULTS.format };
  const texts: Record<string, string> = {};
  for (const item of reader.entries(node, entry.path, '"webhook"', entry.offset) ?? []) {
    if (["url", "channel", "format"].includes(item.name)) texts[item.name] = textOf(reader, item) ?? "";
    else reader.unknownKey(item, '"webhook"', ["url", "channel", "format"], NONE);
  }
  const { url, channel, format = NOTIFY_DEFAULTS.format } = texts;
  if ((url === undefined) === (channel === undefined)) {
    return reader.issue(entry.offset, entry.path, '"webhook" has either a "url" or a "channel"; give one of the two');
  }
  return url === undefined
    ? { kind: "channel", channel: channel!, format: format as WebhookFormat }
    : { kind: "webhook", url, format: format as WebhookFormat };
}

function textOf(reader: NodeReader, entry: Entry): string | undefined {
  return reader.text(entry.value, entry.path, entry.offset, `"${entry.name}"`, "a text would be right");
}
