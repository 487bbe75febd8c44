import http from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { ERRORS, WeftError, type ErrorCode } from "./core/error.ts";

/** HTTP requests that stream, to a server that may be away for a while. */
export interface Requester {
  /** Where the next try would go. */
  baseUrl(): string;
  /**
   * Runs `work`, and again with backoff while it fails for want of an answer and `retryMs` have not passed. What it
   * throws in the end is a WeftError that begins with `cannot <what>`; errors of local files pass through as they are.
   */
  retry<T>(what: string, work: (send: Send) => Promise<T>): Promise<T>;
  close(): void;
}

/** Resolves with a 2xx response whose body is still to be read; else throws. */
export type Send = (
  method: string,
  path: string,
  headers?: Record<string, string>,
  body?: Readable | Buffer | string,
) => Promise<http.IncomingMessage>;

/** For the TCP connection alone: a host that is gone answers nothing, one that is there does within a round trip. */
const CONNECT_MS_MAX = 5_000;
/** Without a byte in either direction: the server syncs what it was sent before it answers, and a slow disk takes a while. */
const IDLE_MS_MAX = 120_000;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 3_000;
const RETRY_MS = 30_000;
const SOCKETS_MAX = 16;
/** Of an error's body that is read. */
const ERROR_BYTES_MAX = 64 * 1024;

/** No answer, or only part of one. */
export class ConnectionError extends Error {}

/** An answer that is not 2xx. */
class StatusError extends Error {
  readonly status: number;
  readonly code: ErrorCode;

  constructor(status: number, code: ErrorCode, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export function createRequester(options: {
  readonly baseUrl: string | (() => string);
  readonly retryMs?: number;
  readonly signal?: AbortSignal;
}): Requester {
  const agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: SOCKETS_MAX }),
  };
  const baseUrl = () => (typeof options.baseUrl === "string" ? options.baseUrl : options.baseUrl());
  const { signal } = options;
  const send: Send = (method, path, headers = {}, body) => {
    const url = new URL(path, baseUrl());
    const protocol = url.protocol === "https:" ? https : http;
    const agent = agents[url.protocol === "https:" ? "https:" : "http:"];
    return exchange(
      protocol.request(url, { method, headers, agent, ...(signal === undefined ? {} : { signal }) }),
      body,
    );
  };
  return {
    baseUrl,
    retry: async (what, work) => {
      const deadline = performance.now() + (options.retryMs ?? RETRY_MS);
      for (let tries = 1; ; tries += 1) {
        try {
          return await work(send);
        } catch (error) {
          const pause = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
          if (!mayPass(error) || signal?.aborted || performance.now() + pause > deadline)
            throw explain(what, baseUrl(), tries, error);
          await delay(pause, undefined, signal === undefined ? {} : { signal });
        }
      }
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

/** The whole body; for answers that are known to be small. */
export async function readBody(response: http.IncomingMessage, bytesMax = Infinity): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) break;
    }
  } catch (error) {
    throw new ConnectionError("the answer broke off", { cause: error });
  }
  return Buffer.concat(chunks);
}

function exchange(
  request: http.ClientRequest,
  body: Readable | Buffer | string | undefined,
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cause?: Error) => reject(new ConnectionError(message, { cause }));
    request.on("error", (error) => fail("no answer", error));
    request.on("response", (response) => {
      // An answer before the end of the body is a refusal; the rest need not be sent.
      if (typeof body === "object" && "unpipe" in body) body.unpipe(request);
      if (response.statusCode! >= 200 && response.statusCode! < 300) resolve(response);
      else {
        // Where the body was not sent whole, the connection is of no more use.
        readStatus(response)
          .then(reject, reject)
          .finally(() => request.writableFinished || request.destroy());
      }
    });
    request.setTimeout(IDLE_MS_MAX, () =>
      request.destroy(new Error(`nothing was sent or received for ${IDLE_MS_MAX / 1000} s`)),
    );
    limitConnecting(request);
    if (typeof body === "object" && "pipe" in body) {
      body.on("error", (error) => {
        reject(error);
        request.destroy();
      });
      body.pipe(request);
    } else request.end(body);
  });
}

function limitConnecting(request: http.ClientRequest): void {
  request.on("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(
      () => request.destroy(new Error(`no connection within ${CONNECT_MS_MAX / 1000} s`)),
      CONNECT_MS_MAX,
    );
    socket.once("connect", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
  });
}

/** Errors of ours are `{ error: { code, message } }`; others, of a proxy for instance, are taken by their status. */
async function readStatus(response: http.IncomingMessage): Promise<StatusError> {
  const status = response.statusCode ?? 0;
  const text = (await readBody(response, ERROR_BYTES_MAX)).toString();
  const fallback: ErrorCode =
    status === 404 ? "not_found" : status >= 500 || status === 429 ? "unavailable" : "invalid";
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string } };
    return new StatusError(status, error.code in ERRORS ? (error.code as ErrorCode) : fallback, error.message);
  } catch {
    return new StatusError(status, fallback, `HTTP status ${status}`);
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof StatusError) return error.code === "unavailable" || error.code === "internal";
  return error instanceof ConnectionError;
}

function explain(what: string, url: string, tries: number, error: unknown): unknown {
  if (error instanceof StatusError) {
    return new WeftError(error.code, `cannot ${what}: ${error.message} (${url} answered ${error.status})`);
  }
  if (error instanceof ConnectionError) {
    return new WeftError(
      "unavailable",
      `cannot ${what}: ${url} did not answer in ${tries} ${tries === 1 ? "try" : "tries"}; is the server running there?`,
      { cause: error },
    );
  }
  return error;
}
