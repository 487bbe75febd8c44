import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import { headers as natsHeaders, type NatsConnection } from "@nats-io/nats-core";
import { WeftError } from "../lib/core/error.ts";
import type { Log } from "../lib/log.ts";
import { connectNats } from "../lib/nats.ts";
import { pause } from "./pause.ts";
import type { Publish } from "./reports.ts";

/** Between two tries to get into a server that refuses us, in milliseconds. */
const REFUSED_MS = 5_000;
/** Closing waits this long for what was sent to leave, in milliseconds. */
const DRAIN_MS_MAX = 2_000;

export interface BusOptions {
  readonly url: string;
  readonly name: string;
  readonly log: Log;
  readonly onConnected: (connection: NatsConnection) => void;
}

/** The node's connection to NATS. It connects in the background and never gives up; until then publishing fails and is tried again. */
export class Bus {
  #connection: NatsConnection | undefined;
  #client: JetStreamClient | undefined;
  /** On the monotonic clock; undefined: not connected now. */
  #connectedSinceMs: number | undefined;
  readonly #closing = new AbortController();

  /** `onConnected` is called once; later losses are the client's own business. */
  constructor(options: BusOptions) {
    void this.#connect(options);
  }

  readonly publish: Publish = async (subject, payload, { id, timeoutMs, headers }) => {
    if (!this.#client) throw new WeftError("unavailable", "not connected to NATS yet");
    const all = natsHeaders();
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    await this.#client.publish(subject, payload, { msgID: id, timeout: timeoutMs, headers: all });
  };

  /** How long the connection has held, in milliseconds; 0: there is none. */
  get connectedMs(): number {
    return this.#connectedSinceMs === undefined ? 0 : performance.now() - this.#connectedSinceMs;
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === "disconnect") this.#connectedSinceMs = undefined;
      if (type === "reconnect") this.#connectedSinceMs = performance.now();
    }
  }

  /** Someone may put right what a server does not like about us (an account, a password): it is asked again. */
  async #connect(options: BusOptions): Promise<void> {
    for (let refused = 0; !this.#closing.signal.aborted; refused++) {
      try {
        const connection = await connectNats(options);
        if (this.#closing.signal.aborted) return await connection.close();
        this.#connection = connection;
        this.#client = jetstream(connection);
        this.#connectedSinceMs = performance.now();
        void this.#follow(connection);
        return options.onConnected(connection);
      } catch (error) {
        if (refused === 0)
          options.log.error({ err: error }, "no assignments can come and no reports can go; asking again");
        await pause(REFUSED_MS, this.#closing.signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
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
