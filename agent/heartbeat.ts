import type { ClientDuplexStream } from "@grpc/grpc-js";
import { describeError } from "../lib/core/error.ts";
import { type Peer, type PeerMethod } from "../lib/grpc.ts";
import type { Log } from "../lib/log.ts";
import { weftServices } from "../proto/channel.ts";
import type { HeartbeatRequest } from "../proto/gen/weft/v1/HeartbeatRequest.ts";
import type { HeartbeatResponse__Output } from "../proto/gen/weft/v1/HeartbeatResponse.ts";
import { backoffMs } from "./core/backoff.ts";
import { HeartbeatWriter, type NodeState, Unanswered } from "./core/heartbeat.ts";
import { endsAtMs, jittered, type Lease, marginMs, renew, silenceMs, stopAtMs } from "./core/lease.ts";
import { pause } from "./pause.ts";

const RETRY_MS_FIRST = 100;
/** Well under a lease: the first beat after an outage must not come too late. */
const RETRY_MS_MOST = 2_000;

export interface HeartbeatsOptions {
  readonly peer: Peer;
  readonly state: () => NodeState;
  /** `marginMs`: the stopping must begin so long before. */
  readonly onLease: (remainingMs: number, marginMs: number) => void;
  /** No renewal came in time: everything must stop within `remainingMs`. */
  readonly onLeaseEnding: (remainingMs: number) => void;
  readonly onAnswer: (answer: HeartbeatResponse__Output) => void;
  /** Joins again; the stream is begun anew after it. */
  readonly rejoin: () => Promise<void>;
  readonly log: Log;
}

type Stream = ClientDuplexStream<HeartbeatRequest, HeartbeatResponse__Output>;

/**
 * The stream to the server, begun anew whenever it fails or falls silent, for ever. It keeps the lease: every answer renews
 * it from the moment its beat was sent. Clock: monotonic, milliseconds.
 */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  #intervalMs: number;
  #lease: Lease | undefined;
  #leaseTimer: NodeJS.Timeout | undefined;
  #stream: Stream | undefined;
  #send: (() => void) | undefined;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;

  /** `joined`: when the join was asked for, and what it granted. */
  constructor(
    options: HeartbeatsOptions,
    joined: { readonly sentAtMs: number; readonly leaseMs: number; readonly intervalMs: number },
  ) {
    this.#options = options;
    this.#intervalMs = joined.intervalMs;
    this.#renewed(joined.sentAtMs, joined.leaseMs);
    this.#running = this.#run();
  }

  /** The node may start work. */
  get leased(): boolean {
    return this.#lease !== undefined && performance.now() < stopAtMs(this.#lease);
  }

  /** A beat now, because something changed. */
  beat(): void {
    this.#send?.();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#leaseTimer);
    this.#stopping.abort();
    this.#stream?.end();
    this.#stream?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; !this.#stopping.signal.aborted;) {
      const since = performance.now();
      try {
        if ((await this.#converse()) === "rejoin") await this.#options.rejoin();
        failures = 0;
        await pause(RETRY_MS_FIRST, this.#stopping.signal);
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        failures = performance.now() - since > silenceMs(this.#intervalMs) ? 1 : failures + 1;
        if (failures === 1)
          this.#options.log.warn({ reason: describeError(error) }, "heartbeats fail; trying until they do not");
      }
      if (failures > 0)
        await pause(backoffMs(failures, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random()), this.#stopping.signal);
    }
  }

  /** One stream, until it ends. Errors: whatever ended it. */
  async #converse(): Promise<"rejoin"> {
    const method = weftServices().AgentService.service.Heartbeat as PeerMethod<
      HeartbeatRequest,
      HeartbeatResponse__Output
    >;
    const stream = await this.#options.peer.duplexStream(method, { signal: this.#stopping.signal });
    this.#stream = stream;
    const writer = new HeartbeatWriter();
    const unanswered = new Unanswered();
    let timer: NodeJS.Timeout | undefined;
    let silence: NodeJS.Timeout | undefined;
    try {
      return await new Promise<"rejoin">((resolve, reject) => {
        const listen = (): void => {
          clearTimeout(silence);
          const ms = silenceMs(this.#intervalMs);
          silence = setTimeout(
            () => reject(new Error(`no answer from ${this.#options.peer.address} for ${ms} ms`)),
            ms,
          );
        };
        const send = (): void => {
          clearTimeout(timer);
          timer = setTimeout(send, jittered(this.#intervalMs, Math.random()));
          // The transport is full: beats would only queue up, and the silence will end the stream.
          if (stream.writableNeedDrain || unanswered.full) return;
          const beat = writer.next(this.#options.state());
          unanswered.sent(beat.sequence, performance.now());
          stream.write(beat);
        };
        stream.on("data", (answer: HeartbeatResponse__Output) => {
          listen();
          this.#answered(answer, unanswered);
          if (answer.rejoin) resolve("rejoin");
        });
        stream.on("error", reject);
        stream.on("end", () => reject(new Error("the server ended the stream")));
        this.#send = send;
        listen();
        send();
      });
    } finally {
      this.#send = undefined;
      this.#stream = undefined;
      clearTimeout(timer);
      clearTimeout(silence);
      // What the cancellation still says is no news.
      stream
        .removeAllListeners("data")
        .removeAllListeners("error")
        .on("error", () => undefined);
      stream.cancel();
    }
  }

  #answered(answer: HeartbeatResponse__Output, unanswered: Unanswered): void {
    if (answer.heartbeatIntervalMs > 0) this.#intervalMs = answer.heartbeatIntervalMs;
    const sent = unanswered.answered(answer.sequence);
    // First: what must not run is stopped before the runner hears that it may run again.
    this.#options.onAnswer(answer);
    if (sent !== undefined && answer.leaseMs > 0) this.#renewed(sent, answer.leaseMs);
  }

  /** Also after a join. */
  #renewed(sentAtMs: number, leaseMs: number): void {
    this.#lease = renew(this.#lease, sentAtMs, leaseMs);
    const nowMs = performance.now();
    this.#options.onLease(Math.max(0, endsAtMs(this.#lease) - nowMs), marginMs(this.#lease));
    clearTimeout(this.#leaseTimer);
    this.#leaseTimer = setTimeout(() => this.#leaseEnding(), Math.max(0, stopAtMs(this.#lease) - nowMs));
  }

  #leaseEnding(): void {
    if (!this.#lease) return;
    this.#options.onLeaseEnding(Math.max(0, endsAtMs(this.#lease) - performance.now()));
  }
}
