import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status as Status,
} from "@grpc/grpc-js";
import { CLIENT_OPTIONS } from "../../proto/channel.ts";
import { WeftError } from "../core/error.ts";
import { isServiceError } from "./status.ts";

/** Every unary call has a deadline: grpc-js has none by default, and a call to a hung peer would never settle. */
export const UNARY_DEADLINE_MS = 10_000;
/** A TCP and HTTP/2 handshake takes one or two round trips; beyond this the peer is not serving. */
export const CONNECT_DEADLINE_MS = 5_000;

/** The four facts of a method that a client needs; generated service definitions have them. */
export interface PeerMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

export interface CallSettings {
  /** Milliseconds from now. */
  readonly deadlineMs?: number;
  readonly metadata?: Metadata;
  readonly signal?: AbortSignal;
}

/**
 * One other server, for as long as it is needed. Errors are grpc-js ServiceErrors (see fromServiceError).
 *
 * A grpc-js channel whose TCP connection is accepted but never answered stays in CONNECTING for ever, also after a
 * healthy server is back at that address (grpc-node#2785). So a call that ends in DEADLINE_EXCEEDED or UNAVAILABLE while
 * the channel is not ready throws the channel away, and the next call makes a new one.
 */
export class Peer {
  readonly address: string;
  readonly #options: ChannelOptions;
  #client: Client | undefined;
  #closed = false;

  constructor(address: string, options: ChannelOptions = {}) {
    this.address = address;
    this.#options = { ...CLIENT_OPTIONS, ...options };
  }

  unary<Request, Response>(
    method: PeerMethod<Request, Response>,
    request: Request,
    settings: CallSettings = {},
  ): Promise<Response> {
    const client = this.#current();
    const options: CallOptions = { deadline: Date.now() + (settings.deadlineMs ?? UNARY_DEADLINE_MS) };
    return new Promise((resolve, reject) => {
      const abort = (): void => call.cancel();
      const call = client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        settings.metadata ?? new Metadata(),
        options,
        (error, response) => {
          settings.signal?.removeEventListener("abort", abort);
          if (error) this.#onFailed(client, error);
          if (error) reject(error);
          else resolve(response as Response);
        },
      );
      settings.signal?.addEventListener("abort", abort, { once: true });
      if (settings.signal?.aborted) abort();
    });
  }

  /** Connects first, within CONNECT_DEADLINE_MS: a stream has no deadline that would notice a peer that hangs. */
  async serverStream<Request, Response>(
    method: PeerMethod<Request, Response>,
    request: Request,
    settings: CallSettings = {},
  ): Promise<ClientReadableStream<Response>> {
    const client = await this.#connected(settings.signal);
    return this.#watch(
      client,
      settings.signal,
      client.makeServerStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        settings.metadata ?? new Metadata(),
        deadlineOf(settings),
      ),
    );
  }

  /** Connects first, like `serverStream`. */
  async duplexStream<Request, Response>(
    method: PeerMethod<Request, Response>,
    settings: CallSettings = {},
  ): Promise<ClientDuplexStream<Request, Response>> {
    const client = await this.#connected(settings.signal);
    return this.#watch(
      client,
      settings.signal,
      client.makeBidiStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        settings.metadata ?? new Metadata(),
        deadlineOf(settings),
      ),
    );
  }

  /** Calls under way go on to their end. */
  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  #current(): Client {
    if (this.#closed) throw new WeftError("unavailable", `the connection to ${this.address} was closed here`);
    this.#client ??= new Client(this.address, credentials.createInsecure(), this.#options);
    return this.#client;
  }

  async #connected(signal: AbortSignal | undefined): Promise<Client> {
    const client = this.#current();
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + CONNECT_DEADLINE_MS, (error) => {
        if (!error) return resolve();
        this.#renew(client);
        reject(new WeftError("unavailable", `no gRPC server answers at ${this.address}`, { cause: error }));
      });
    });
    signal?.throwIfAborted();
    return client;
  }

  #watch<Stream extends ClientReadableStream<unknown> | ClientDuplexStream<never, unknown>>(
    client: Client,
    signal: AbortSignal | undefined,
    stream: Stream,
  ): Stream {
    const abort = (): void => stream.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    stream.on("error", (error: unknown) => {
      if (isServiceError(error)) this.#onFailed(client, error);
    });
    stream.on("close", () => signal?.removeEventListener("abort", abort));
    return stream;
  }

  #onFailed(client: Client, error: ServiceError): void {
    if (error.code !== Status.DEADLINE_EXCEEDED && error.code !== Status.UNAVAILABLE) return;
    if (client.getChannel().getConnectivityState(false) !== connectivityState.READY) this.#renew(client);
  }

  #renew(client: Client): void {
    if (this.#client !== client) return;
    client.close();
    this.#client = undefined;
  }
}

function deadlineOf(settings: CallSettings): CallOptions {
  return settings.deadlineMs === undefined ? {} : { deadline: Date.now() + settings.deadlineMs };
}
