import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { headers as natsHeaders, type NatsConnection } from "@nats-io/nats-core";
import { WeftError } from "../lib/core/error.ts";
import type { Log } from "../lib/log.ts";
import { connectNats } from "../lib/nats.ts";
import type { Publish } from "./reports.ts";

/** Closing waits this long for what was sent to leave, in milliseconds. */
const DRAIN_MS_MAX = 2_000;

/** The node's connection to NATS. It connects in the background and never gives up; until then publishing fails and is tried again. */
export class Bus {
  #connection: NatsConnection | undefined;
  #client: JetStreamClient | undefined;
  #closed = false;

  /** `onConnected` is called once; later losses are the client's own business. */
  constructor(options: {
    readonly url: string;
    readonly name: string;
    readonly log: Log;
    readonly onConnected: (connection: NatsConnection) => void;
  }) {
    connectNats({ url: options.url, name: options.name, log: options.log })
      .then((connection) => {
        if (this.#closed) return connection.close();
        this.#connection = connection;
        this.#client = jetstream(connection);
        return options.onConnected(connection);
      })
      .catch((error: unknown) => options.log.error({ err: error }, "no assignments can come and no reports can go"));
  }

  readonly publish: Publish = async (subject, payload, { id, timeoutMs, headers }) => {
    if (!this.#client) throw new WeftError("unavailable", "not connected to NATS yet");
    const all = natsHeaders();
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    await this.#client.publish(subject, payload, { msgID: id, timeout: timeoutMs, headers: all });
  };

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    if (!connection) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS_MAX)));
    // A drain waits for a server that may be away.
    await Promise.race([connection.drain().catch(() => undefined), late]);
    clearTimeout(timer);
    await connection.close();
  }
}
