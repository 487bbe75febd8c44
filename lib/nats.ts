import { isDeepStrictEqual } from "node:util";
import {
  type ConsumerConfig,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { describeError, WeftError } from "./core/error.ts";
import type { Log } from "./log.ts";

/** Between two tries to reconnect, in milliseconds, with as much jitter: a restart of nats-server takes half a second. */
const RECONNECT_MS = 250;
/** A peer that is gone without a word is noticed after two of these without answer. */
const PING_INTERVAL_MS = 5_000;
/** After this long without the first connection it is said that we wait. */
const WAITING_NOTE_MS = 2_000;

export interface NatsOptions {
  /** Comma-separated; `nats://user:password@host:4222`, `nats://token@host`. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  readonly log?: Log;
}

/**
 * Waits for the first connection, and never gives up on a later one: nats.js closes for good after twenty seconds otherwise.
 * Throws `invalid` for a URL that cannot be read, `failed_precondition` when the server refuses us.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  const { log } = options;
  const address = natsAddress(options.url);
  const note = setTimeout(() => log?.warn({ servers: address.servers }, "waiting for NATS"), WAITING_NOTE_MS);
  try {
    const nats = await connect({
      ...address,
      name: options.name,
      waitOnFirstConnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
    });
    if (log) void noteStatus(nats, log);
    return nats;
  } catch (cause) {
    throw new WeftError("failed_precondition", `NATS at ${address.servers.join(", ")} does not let us in`, { cause });
  } finally {
    clearTimeout(note);
  }
}

/** nats.js does not read what stands before the "@". */
export function natsAddress(url: string): Pick<ConnectionOptions, "user" | "pass" | "token"> & { servers: string[] } {
  const servers: string[] = [];
  let login: Pick<ConnectionOptions, "user" | "pass" | "token"> = {};
  for (const part of url.split(",").map((text) => text.trim())) {
    const text = part.includes("://") ? part : `nats://${part}`;
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    if (!parsed || !["nats:", "tls:"].includes(parsed.protocol) || parsed.hostname === "") {
      // Not shown: it may hold a password.
      throw new WeftError("invalid", "the NATS URL must look like nats://user:password@host:4222");
    }
    servers.push(`${parsed.protocol}//${parsed.hostname}:${parsed.port || "4222"}`);
    const user = decodeURIComponent(parsed.username);
    const pass = decodeURIComponent(parsed.password);
    if (user !== "") login = pass === "" ? { token: user } : { user, pass };
  }
  return { servers, ...login };
}

async function noteStatus(nats: NatsConnection, log: Log): Promise<void> {
  for await (const status of nats.status()) {
    if (status.type === "disconnect") log.warn({ server: status.server }, "lost NATS; reconnecting");
    else if (status.type === "reconnect") log.info({ server: status.server }, "connected to NATS again");
    else if (status.type === "error") log.warn({ err: status.error }, "NATS reported an error");
    else if (status.type === "slowConsumer") log.warn({ pending: status.pending }, "reads NATS too slowly");
  }
}

export type WantedStream = Partial<StreamConfig> & { readonly name: string };
export type WantedConsumer = Partial<ConsumerConfig> & { readonly durable_name: string };

/** A consumer of this name exists with another configuration. */
const CONSUMER_EXISTS = 10148;

/**
 * Makes the stream, or changes it to what is wanted. What the server then has is read back: servers ignore fields that they
 * do not know. Throws `failed_precondition` that names each field that differs. True: it was not there.
 */
export async function ensureStream(jsm: JetStreamManager, wanted: WantedStream): Promise<boolean> {
  const before = await streamConfig(jsm, wanted.name);
  try {
    if (!before) await jsm.streams.add(wanted);
    else if (differences(wanted, before).length > 0) await jsm.streams.update(wanted.name, wanted);
  } catch (cause) {
    // Another server of ours may just have made it; else the cause says more than the difference would.
    const now = await streamConfig(jsm, wanted.name);
    if (!now || differences(wanted, now).length > 0) throw unusable(`stream ${wanted.name}`, wanted, now, cause);
  }
  const after = await streamConfig(jsm, wanted.name);
  if (!after || differences(wanted, after).length > 0) throw unusable(`stream ${wanted.name}`, wanted, after);
  return !before;
}

async function streamConfig(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** As ensureStream; the configuration compared is the one in the server's answer. */
export async function ensureConsumer(jsm: JetStreamManager, stream: string, wanted: WantedConsumer): Promise<void> {
  const what = `consumer ${wanted.durable_name} of stream ${stream}`;
  let config: ConsumerConfig;
  try {
    config = (await jsm.consumers.add(stream, wanted)).config;
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_EXISTS) throw error;
    try {
      config = (await jsm.consumers.update(stream, wanted.durable_name, wanted)).config;
    } catch (cause) {
      const now = (await jsm.consumers.info(stream, wanted.durable_name)).config;
      throw unusable(what, wanted, now, cause);
    }
  }
  if (differences(wanted, config).length > 0) throw unusable(what, wanted, config);
}

/** The stream or the consumer is not there. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  return error.code === JetStreamApiCodes.StreamNotFound || error.code === JetStreamApiCodes.ConsumerNotFound;
}

/** Fields of `wanted` that `got` has otherwise: "max_bytes is 5, not 10". */
export function differences(wanted: object, got: object): string[] {
  const has = new Map(Object.entries(got));
  return Object.entries(wanted)
    .filter(([field, value]) => !isDeepStrictEqual(value, has.get(field)))
    .map(([field, value]) => `${field} is ${JSON.stringify(has.get(field))}, not ${JSON.stringify(value)}`);
}

function unusable(what: string, wanted: object, got: object | undefined, cause?: unknown): WeftError {
  const found = got ? differences(wanted, got).join("; ") : "it does not exist";
  const why = cause === undefined ? "the server ignores what we ask for: is it older than 2.10?" : describeError(cause);
  return new WeftError("failed_precondition", `NATS ${what} is not as Weft needs it: ${found} (${why})`, { cause });
}
