import { randomUUID } from "node:crypto";
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { Histogram, type Registry } from "prom-client";
import { describeError, ERRORS, WeftError, type ErrorCode } from "./core/error.ts";
import { isRefusedValue } from "./db.ts";

/** Of bodies that are parsed (JSON). Streams have no limit here; whoever reads one knows what is too much. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Of a part of a path: keys of tags have 250 characters, escaped up to nine times as many. */
const PARAM_CHARS_MAX = 4_000;
/** Without a byte in either direction a connection is closed, so that a client that is gone does not hold an upload open. */
const IDLE_MS_MAX = 120_000;
/** For each part of the health check: what takes longer counts as not answering. */
const HEALTH_MS_MAX = 2_000;
const REQUEST_ID = /^[\w.:-]{1,64}$/;

/**
 * A fastify app of ours: errors leave as `{ error: { code, message } }` with the status of lib/core/error.ts, each
 * response carries `x-request-id` (the caller's, when it sent a sane one), and the log has one line a request.
 */
export function createHttpApp(options: {
  readonly logger: FastifyBaseLogger;
  readonly registry?: Registry;
}): FastifyInstance {
  const app: FastifyInstance = Fastify({
    loggerInstance: options.logger,
    bodyLimit: BODY_BYTES_MAX,
    connectionTimeout: IDLE_MS_MAX,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: PARAM_CHARS_MAX },
    frameworkErrors: (error, _request, reply: FastifyReply) => {
      void reply.code(error.statusCode ?? 400).send(errorBody("invalid", error.message));
    },
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    },
    // At debug level: agents fetch many files, and a line each would bury the rest.
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.addHook("onRequest", async (request, reply) => void reply.header("x-request-id", request.id));
  app.addHook("onResponse", async (request, reply) => {
    request.log.debug(
      { method: request.method, url: request.url, status: reply.statusCode, ms: reply.elapsedTime },
      "request",
    );
  });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(async (request, reply) => {
    await reply.code(404).send(errorBody("not_found", `there is no ${request.method} ${request.url.split("?")[0]}`));
  });
  if (options.registry !== undefined) measure(app, options.registry);
  return app;
}

/** Listens, and gives the port (of use when `port` is 0). Errors: `failed_precondition` when the address cannot be had. */
export async function listenHttp(
  app: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<number> {
  try {
    await app.listen(at);
  } catch (error) {
    throw explainListen(error, at);
  }
  const address = app.server.address();
  if (address === null || typeof address === "string")
    throw new Error(`listening on ${String(address)} instead of a port`);
  return address.port;
}

/** Takes no more requests, lets those under way end, and cuts off what has not ended after `graceMs`. */
export async function closeHttp(app: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMs);
  try {
    await app.close();
  } finally {
    clearTimeout(timer);
  }
}

/** `GET /healthz`: 200 when every check resolves in time, else 503; the body says what each said. */
export function registerHealth(app: FastifyInstance, checks: Readonly<Record<string, () => Promise<unknown>>>): void {
  app.get("/healthz", async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(async ([name, check]) => [name, await judge(check)] as const),
    );
    const ok = results.every(([, result]) => result === "ok");
    await reply.code(ok ? 200 : 503).send({ status: ok ? "ok" : "failing", checks: Object.fromEntries(results) });
  });
}

/** `GET /metrics`: the registry in Prometheus' text format. */
export function registerMetrics(app: FastifyInstance, registry: Registry): void {
  app.get("/metrics", async (_request, reply) => {
    await reply.type(registry.contentType).send(await registry.metrics());
  });
}

async function judge(check: () => Promise<unknown>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${HEALTH_MS_MAX / 1000} s`), HEALTH_MS_MAX);
  });
  try {
    return await Promise.race([late, check().then(() => "ok", describeError)]);
  } finally {
    clearTimeout(timer);
  }
}

async function answerError(
  error: FastifyError | WeftError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error instanceof WeftError) {
    const status = ERRORS[error.code].http;
    if (status >= 500) request.log.error({ err: error, url: request.url }, "request failed");
    await reply.code(status).send(errorBody(error.code, error.message));
    return;
  }
  const status = error.statusCode ?? 500;
  if (status < 500) {
    await reply.code(status).send(errorBody(status === 413 ? "too_large" : "invalid", error.message));
    return;
  }
  request.log.error({ err: error, url: request.url }, "request failed");
  // A value that Postgres cannot take, like U+0000 in a name, is the caller's fault, and would be no better on a second try.
  if (isRefusedValue(error)) {
    await reply.code(400).send(errorBody("invalid", `a value of the request cannot be taken: ${error.message}`));
    return;
  }
  // What broke is for the log; the caller gets what finds it there.
  await reply
    .code(500)
    .send(errorBody("internal", `the server failed on this request; its log tells more under ${request.id}`));
}

function errorBody(code: ErrorCode, message: string): { error: { code: ErrorCode; message: string } } {
  return { error: { code, message } };
}

function measure(app: FastifyInstance, registry: Registry): void {
  const seconds = new Histogram({
    name: "weft_http_request_duration_seconds",
    help: "Time from the request's head to the end of the answer.",
    labelNames: ["method", "route", "status"],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60],
    registers: [registry],
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    seconds.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
}

function explainListen(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  const remedy = {
    EADDRINUSE: `is taken; stop what listens there, or choose another port (0: any that is free)`,
    EACCES: `may not be used by this user; choose one above 1023`,
    EADDRNOTAVAIL: `cannot be used: no network interface of this machine has that address`,
  }[code ?? ""];
  if (remedy === undefined) return error;
  return new WeftError("failed_precondition", `HTTP port ${port} on ${host} ${remedy}`, { cause: error });
}
