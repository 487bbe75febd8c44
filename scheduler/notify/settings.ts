import { WeftError } from "../../lib/core/error.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";

/** How this server sends; from its environment, since all of it is secret. */
export interface NotifySettings {
  /** Null: no e-mail is sent. */
  readonly smtp: { readonly url: string; readonly from: string } | null;
  /** URL by name of the channel, lower case and with "-". */
  readonly channels: Readonly<Record<string, string>>;
}

export const CHANNEL_PREFIX = "WEFT_NOTIFY_";

/** WEFT_SMTP_URL and WEFT_SMTP_FROM, and WEFT_NOTIFY_<CHANNEL>. Throws `invalid` that names the variable, and never its value. */
export function readNotifySettings(env: NodeJS.ProcessEnv): NotifySettings {
  const channels: Record<string, string> = {};
  for (const [name, url] of Object.entries(env)) {
    if (!name.startsWith(CHANNEL_PREFIX) || url === undefined || url === "") continue;
    if (!hasProtocol(url, ["http:", "https:"]))
      throw new WeftError("invalid", `${name} must be a URL like https://hooks.example.org/…`);
    channels[channelName(name.slice(CHANNEL_PREFIX.length))] = url;
  }
  const { WEFT_SMTP_URL: url = "", WEFT_SMTP_FROM: from = "" } = env;
  if (url === "") return { smtp: null, channels };
  if (!hasProtocol(url, ["smtp:", "smtps:"])) {
    throw new WeftError("invalid", "WEFT_SMTP_URL must be smtp://user:password@host:587 or smtps://user:password@host");
  }
  if (!from.includes("@"))
    throw new WeftError("invalid", "WEFT_SMTP_FROM must be the address that mails come from, like weft@example.org");
  return { smtp: { url, from }, channels };
}

export function channelUrl({ channels }: NotifySettings, channel: string): string | undefined {
  return channels[channelName(channel)];
}

function channelName(text: string): string {
  return text.toLowerCase().replaceAll("_", "-");
}

function hasProtocol(url: string, protocols: readonly string[]): boolean {
  return URL.canParse(url) && protocols.includes(new URL(url).protocol);
}

/** Whether this server can send what the pipeline wants sent. Throws `failed_precondition` with where it stands. */
export function checkNotify(settings: NotifySettings, { notify = [] }: PipelineSpec): void {
  notify.forEach(({ target }, i) => {
    const refuse = (message: string): never => {
      throw new WeftError("failed_precondition", message, { issues: [{ path: ["notify", i], message }] });
    };
    if (target.kind === "email" && settings.smtp === null) {
      refuse("this server sends no e-mail: it was started without WEFT_SMTP_URL and WEFT_SMTP_FROM");
    }
    if (target.kind !== "channel" || channelUrl(settings, target.channel) !== undefined) return;
    const variable = `${CHANNEL_PREFIX}${target.channel.toUpperCase().replaceAll("-", "_")}`;
    const known = hint(target.channel, Object.keys(settings.channels));
    refuse(`this server knows no channel "${target.channel}"${known}; it was started without ${variable}`);
  });
}
