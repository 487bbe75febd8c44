import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
} from "@grpc/grpc-js";
import { CLIENT_OPTIONS } from "../proto/channel.ts";
import { drained } from "../proto/drained.ts";
import { toClientError, WeftClientError } from "./error.ts";

/** A handshake takes one or two round trips; beyond this nothing serves there. */
export const CONNECT_DEADLINE_MS = 5_000;

export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

export interface Duplex<Request, Response> {
  readonly messages: AsyncGenerator<Response, void>;
  /** Settles when there is room for more; after the end of the call what is written is dropped. */
  write(request: Request): Promise<void>;
  cancel(): void;
}

/**
 * The connection to a server. grpc-js leaves a channel in CONNECTING for ever once a peer took the connection and said
 * nothing, also when a healthy server is back at that address (grpc-node#2785): so each call first waits until the channel
 * is ready, for CONNECT_DEADLINE_MS at most, and a channel that failed is thrown away.
 */
export class Link {
  readonly address: string;
  #client: Client | undefined;
  #closed = false;

  constructor(address: string) {
    this.address = address;
  }

  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    deadlineMs: number,
  ): Promise<Response> {
    const client = await this.#ready();
    const options: CallOptions = { deadline: Date.now() + deadlineMs };
    return await new Promise<Response>((resolve, reject) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        options,
        (error, response) => {
          if (!error) return resolve(response as Response);
          const failure = this.#failed(client, error, method.path);
          reject(failure);
        },
      );
    });
  }

  /** Ends the call when the loop over it is left, or when the signal is raised. */
  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Response, void> {
    if (signal?.aborted) return;
    const client = await this.#ready();
    const call: ClientReadableStream<Response> = client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      new Metadata(),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      if (signal?.aborted) return;
      throw this.#failed(client, error, method.path);
    } finally {
      signal?.removeEventListener("abort", cancel);
      // An error that comes after the loop was left has no reader any more.
      call.on("error", () => {});
      call.cancel();
    }
  }

  /** A stream of both directions. Its messages end with an error of ours when the call does. */
  async duplex<Request, Response>(
    method: Method<Request, Response>,
    signal: AbortSignal | undefined,
  ): Promise<Duplex<Request, Response>> {
    const client = await this.#ready();
    const { path, requestSerialize, responseDeserialize } = method;
    const call: ClientDuplexStream<Request, Response> = client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      new Metadata(),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    call.on("status", () => signal?.removeEventListener("abort", cancel));
    // Who reads hears of it; who only writes need not.
    call.on("error", () => {});
    const failed = (error: unknown): WeftClientError => this.#failed(client, error, path);
    async function* messages(): AsyncGenerator<Response, void> {
      try {
        for await (const message of call) yield message as Response;
      } catch (error) {
        if (!signal?.aborted) throw failed(error);
      }
    }
    return {
      messages: messages(),
      write: async (request) => {
        if (call.writable && !call.write(request)) await drained(call);
      },
      cancel,
    };
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  async #ready(): Promise<Client> {
    if (this.#closed) throw new WeftClientError("unavailable", `the connection to ${this.address} was closed here`);
    // A proxy in the environment is not meant for a server on this machine.
    const direct = /^(127\.|localhost|\[::1\])/.test(this.address) ? { "grpc.enable_http_proxy": 0 } : {};
    const client = (this.#client ??= new Client(this.address, credentials.createInsecure(), {
      ...CLIENT_OPTIONS,
      ...direct,
    }));
    const deadline = Date.now() + CONNECT_DEADLINE_MS;
    const channel = client.getChannel();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return client;
      const failed = state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN;
      const timely =
        !failed &&
        (await new Promise<boolean>((resolve) => {
          channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined));
        }));
      if (timely) continue;
      this.#drop(client);
      throw new WeftClientError("unavailable", `no Weft server answers at ${this.address}`);
    }
  }

  #failed(client: Client, error: unknown, path: string): WeftClientError {
    const failure = toClientError(error, this.address, path.split("/").at(-1)!);
    if (failure.code === "unavailable") this.#drop(client);
    return failure;
  }

  #drop(client: Client): void {
    client.close();
    if (this.#client === client) this.#client = undefined;
  }
}
