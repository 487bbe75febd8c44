import type { EventEmitter } from "node:events";
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { status as Status, type StatusObject } from "@grpc/grpc-js";
import { WeftError } from "../core/error.ts";
import { statusOf } from "./status.ts";

/** Where unexpected errors go, once each; pino's logger fits. */
export interface ErrorLog {
  error(fields: object, message: string): void;
}

export interface CallContext {
  /** e.g. `/weft.v1.JobService/Submit`. */
  readonly path: string;
  readonly metadata: Metadata;
  readonly peer: string;
  /** Aborted when the caller has gone, its deadline has passed, or the call was ended by `fail`. */
  readonly signal: AbortSignal;
  /** Epoch milliseconds; Infinity: none. */
  readonly deadlineMs: number;
}

export interface StreamContext extends CallContext {
  /** Ends the call with this error now, also while the handler waits for a request. */
  fail(error: WeftError): void;
}

export interface Sink<Message> {
  /** Settles when there is room for the next message; rejects when the caller has gone. */
  write(message: Message): Promise<void>;
}

export function unary<Request, Response>(
  log: ErrorLog,
  handler: (request: Request, context: CallContext) => Promise<Response> | Response,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const answer = async (): Promise<void> => {
      try {
        callback(null, await handler(call.request, contextOf(call)));
      } catch (error) {
        callback(failure(log, call.getPath(), error));
      }
    };
    void answer();
  };
}

export function serverStream<Request, Response>(
  log: ErrorLog,
  handler: (request: Request, sink: Sink<Response>, context: StreamContext) => Promise<void>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const context = streamContext(log, call);
    void finish(call, context, handler(call.request, sinkOf(call, context), context));
  };
}

export function duplexStream<Request, Response>(
  log: ErrorLog,
  handler: (requests: AsyncIterable<Request>, sink: Sink<Response>, context: StreamContext) => Promise<void>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    const context = streamContext(log, call);
    // The default iterator destroys the stream when the loop is left, and no status would be sent.
    const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<Request>;
    void finish(call, context, handler(requests, sinkOf(call, context), context));
  };
}

type AnyCall =
  | ServerUnaryCall<unknown, unknown>
  | ServerWritableStream<unknown, unknown>
  | ServerDuplexStream<unknown, unknown>;
type WritingCall<Response> = ServerWritableStream<unknown, Response> | ServerDuplexStream<unknown, Response>;

function contextOf(call: AnyCall, controller = new AbortController()): CallContext {
  const emitter: EventEmitter = call;
  const gone = (): void => controller.abort(new WeftError("unavailable", "the caller has gone"));
  if (call.cancelled) gone();
  else emitter.once("cancelled", gone);
  const deadline = call.getDeadline();
  return {
    path: call.getPath(),
    metadata: call.metadata,
    peer: call.getPeer(),
    signal: controller.signal,
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
  };
}

interface FailingContext extends CallContext {
  fail(error: unknown): void;
}

function streamContext(log: ErrorLog, call: WritingCall<never>): FailingContext {
  const controller = new AbortController();
  const context = contextOf(call, controller);
  const fail = (error: unknown): void => {
    // Nobody is there to be told, and leaving is not an error of ours.
    if (controller.signal.aborted) return;
    // Once the status is out; a handler that still waits for a request is then told that there will be none.
    call.once("finish", () => call.destroy());
    call.emit("error", failure(log, context.path, error));
    controller.abort(error);
  };
  return { ...context, fail };
}

function sinkOf<Response>(call: WritingCall<Response>, context: CallContext): Sink<Response> {
  return {
    write: (message) => {
      if (context.signal.aborted) return Promise.reject(context.signal.reason as Error);
      // Ignoring a false here keeps every message of a slow reader in memory (grpc-node#1332).
      if (call.write(message)) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const settle = (): void => {
          call.off("drain", settle);
          context.signal.removeEventListener("abort", settle);
          if (context.signal.aborted) reject(context.signal.reason as Error);
          else resolve();
        };
        call.on("drain", settle);
        context.signal.addEventListener("abort", settle);
      });
    },
  };
}

async function finish(call: WritingCall<never>, context: FailingContext, work: Promise<void>): Promise<void> {
  try {
    await work;
    if (!context.signal.aborted) call.end();
  } catch (error) {
    context.fail(error);
  }
}

function failure(log: ErrorLog, path: string, error: unknown): Partial<StatusObject> {
  const known = statusOf(error);
  if (known) return known;
  log.error({ err: error, call: path }, "a call failed unexpectedly");
  return { code: Status.INTERNAL, details: "internal error; the server's log says more" };
}
