import { Metadata } from "@grpc/grpc-js";
import { WeftError } from "../../lib/core/error.ts";
import { drained } from "../../proto/drained.ts";
import {
  type CallContext,
  type CallSettings,
  fromServiceError,
  isServiceError,
  Peer,
  type PeerMethod,
  rawRequest,
  type Sink,
} from "../../lib/grpc.ts";

/** Marks a call that was passed on once: two servers that each take the other for the leader must not play ball with it. */
const FORWARDED = "weft-forwarded";
/** For unary calls that came without a deadline: the largest submit commits within seconds. */
const DEADLINE_MS_DEFAULT = 60_000;
/** Set anew by the transport. */
const TRANSPORT_METADATA = new Set(["user-agent", "content-type", "te"]);

/** Passes calls on to the leader as the bytes they came in, and its answers back likewise. */
export class Forwarder {
  /** One peer: when the leader moves, the old one is of no use. */
  #peer: Peer | undefined;

  async unary(context: CallContext, request: object, leader: string | null): Promise<Buffer> {
    const { peer, settings } = this.#begin(context, leader);
    try {
      return await peer.unary(rawMethod(context.path), bytesOf(request), {
        deadlineMs: DEADLINE_MS_DEFAULT,
        ...settings,
      });
    } catch (error) {
      throw passedOn(error, peer.address);
    }
  }

  async serverStream(context: CallContext, request: object, sink: Sink<Buffer>, leader: string | null): Promise<void> {
    const { peer, settings } = this.#begin(context, leader);
    try {
      const answers = await peer.serverStream(rawMethod(context.path), bytesOf(request), settings);
      for await (const answer of answers as AsyncIterable<Buffer>) await sink.write(answer);
    } catch (error) {
      throw passedOn(error, peer.address);
    }
  }

  async duplexStream(
    context: CallContext,
    requests: AsyncIterable<object>,
    sink: Sink<Buffer>,
    leader: string | null,
  ): Promise<void> {
    const { peer, settings } = this.#begin(context, leader);
    try {
      const stream = await peer.duplexStream<Buffer, Buffer>(rawMethod(context.path), settings);
      const up = async (): Promise<void> => {
        for await (const request of requests) if (!stream.write(bytesOf(request))) await drained(stream);
        stream.end();
      };
      up().catch(() => stream.cancel());
      for await (const answer of stream as AsyncIterable<Buffer>) await sink.write(answer);
    } catch (error) {
      throw passedOn(error, peer.address);
    }
  }

  close(): void {
    this.#peer?.close();
    this.#peer = undefined;
  }

  #begin(context: CallContext, leader: string | null): { peer: Peer; settings: CallSettings } {
    if (leader === null)
      throw new WeftError("unavailable", "no server leads at this moment; a take-over takes seconds. Try again");
    if (context.metadata.get(FORWARDED).length > 0) {
      throw new WeftError("unavailable", "the leader is changing; try again");
    }
    if (this.#peer?.address !== leader) {
      this.#peer?.close();
      this.#peer = new Peer(leader);
    }
    const deadline = Number.isFinite(context.deadlineMs) ? { deadlineMs: context.deadlineMs - Date.now() } : {};
    return {
      peer: this.#peer,
      settings: { ...deadline, metadata: passedMetadata(context.metadata), signal: context.signal },
    };
  }
}

function passedMetadata(metadata: Metadata): Metadata {
  const passed = new Metadata();
  for (const key of Object.keys(metadata.getMap())) {
    if (key.startsWith("grpc-") || TRANSPORT_METADATA.has(key)) continue;
    for (const value of metadata.get(key)) passed.add(key, value);
  }
  passed.set(FORWARDED, "1");
  return passed;
}

function rawMethod(path: string): PeerMethod<Buffer, Buffer> {
  return { path, requestSerialize: (bytes) => bytes, responseDeserialize: (bytes) => bytes };
}

function bytesOf(request: object): Buffer {
  const bytes = rawRequest(request);
  if (!bytes) throw new Error("a request to be passed on has no bytes; was it served through lib/grpc?");
  return bytes;
}

function passedOn(error: unknown, leader: string): unknown {
  return isServiceError(error) ? fromServiceError(error, `passed on to the leader at ${leader}`) : error;
}
