import { Readable } from "node:stream";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { WeftError } from "../../lib/core/error.ts";
import { isRefusedValue, isTransient } from "../../lib/db.ts";
import { Fields, parseJson } from "./core/fields.ts";
import { MLFLOW_STATUS, MlflowError, type MlflowCode } from "./core/mlflow-error.ts";

/**
 * One endpoint of MLflow's REST API. `answer` gives the response's JSON as a value, or as text, bytes or a stream
 * of what is JSON already; undefined means `{}`. A stream that fails breaks the connection. What it throws becomes MLflow's error body: an MlflowError as it is, a WeftError by its code, an outage of
 * Postgres as TEMPORARILY_UNAVAILABLE (which clients try again), anything else as INTERNAL_ERROR.
 */
export interface MlflowRoute {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** What follows `/api/2.0/mlflow` and `/ajax-api/2.0/mlflow`, e.g. `/logged-models/:model_id`; path parameters are fields. */
  readonly path: string;
  /** Default: 2.0 alone. */
  readonly versions?: readonly ("2.0" | "3.0")[];
  readonly answer: (
    fields: Fields,
    request: FastifyRequest,
  ) => Promise<object | string | Buffer | Readable | undefined>;
}

/** What we claim to be: clients look at it before they use what newer servers have. */
const MLFLOW_VERSION = "3.17.0";
/** Of a JSON body: the profile of a data set may have 16 MiB. */
const JSON_BYTES_MAX = 20 * 1024 * 1024;
const PREFIXES = ["/api", "/ajax-api"];
const VERSIONS = ["2.0", "3.0"];

/** The routes under both prefixes; whatever else is asked for there is ENDPOINT_NOT_FOUND. */
export function mlflowApi(routes: readonly MlflowRoute[]): FastifyPluginAsync {
  return async (app) => {
    app.get("/health", (_request, reply) => reply.type("text/plain; charset=utf-8").send("OK"));
    app.get("/version", (_request, reply) => reply.type("text/plain; charset=utf-8").send(MLFLOW_VERSION));
    for (const prefix of PREFIXES)
      for (const version of VERSIONS) {
        // What is below no service's prefix, e.g. /api/3.0/mlflow-artifacts.
        await app.register(async (scope) => speakMlflow(scope), { prefix: `${prefix}/${version}` });
        await app.register(
          async (scope) => {
            speakMlflow(scope);
            takeJson(scope);
            for (const route of routes)
              if ((route.versions ?? ["2.0"]).some((one) => one === version)) addRoute(scope, route);
          },
          { prefix: `${prefix}/${version}/mlflow` },
        );
      }
    await app.register(async (scope) => {
      failAsMlflow(scope);
      // Only MLflow's own web pages ask it; they would take our page of errors for an answer.
      scope.all("/graphql", (request) => {
        throw noEndpoint(request);
      });
    });
  };
}

/** Errors and unknown paths under the scope's prefix leave in MLflow's form. */
export function speakMlflow(scope: FastifyInstance): void {
  failAsMlflow(scope);
  scope.setNotFoundHandler((request, reply) => {
    const { code, message } = noEndpoint(request);
    return sendError(reply, code, message);
  });
}

function noEndpoint({ method, url }: FastifyRequest): MlflowError {
  return new MlflowError("ENDPOINT_NOT_FOUND", `there is no ${method} ${url.split("?")[0]}`);
}

/** Errors of the scope's routes leave in MLflow's form. */
export function failAsMlflow(scope: FastifyInstance): void {
  scope.setErrorHandler(answerError);
}

function addRoute(scope: FastifyInstance, { method, path, answer }: MlflowRoute): void {
  scope.route({
    method,
    url: path,
    bodyLimit: JSON_BYTES_MAX,
    // A HEAD for every GET is nobody's wish.
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const said = await answer(fieldsOf(request), request);
      return reply.type("application/json").send(isWritten(said) ? said : JSON.stringify(said ?? {}));
    },
  });
}

function isWritten(said: object | string | undefined): boolean {
  return typeof said === "string" || Buffer.isBuffer(said) || said instanceof Readable;
}

/** Clients say application/json; whatever they say, the body is JSON or it is refused. Text in JSON is JSON encoded twice, by old clients. */
function takeJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
    try {
      const value = body === "" ? {} : parseJson(body as string);
      done(null, typeof value === "string" ? parseJson(value) : value);
    } catch (error) {
      done(new MlflowError("BAD_REQUEST", `the request's body is not JSON: ${(error as Error).message}`));
    }
  });
}

function fieldsOf(request: FastifyRequest): Fields {
  const params = request.params as Record<string, unknown>;
  const body = (request.body ?? {}) as Record<string, unknown>;
  if (typeof body !== "object" || Array.isArray(body))
    throw new MlflowError("BAD_REQUEST", "the request's body must be a JSON object");
  const query = request.query as Record<string, unknown>;
  return new Fields({ ...query, ...body, ...params }, "", Object.keys(body).length === 0);
}

function answerError(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): unknown {
  if (error instanceof MlflowError) return sendError(reply, error.code, error.message);
  const known = knownCode(error);
  if (known !== undefined) return sendError(reply, known, error.message);
  if (error.statusCode !== undefined && error.statusCode < 500)
    return reply.code(error.statusCode).send({ error_code: "BAD_REQUEST", message: error.message });
  request.log.error({ err: error, url: request.url }, "request failed");
  if (isTransient(error))
    return sendError(reply, "TEMPORARILY_UNAVAILABLE", "the database does not answer at the moment; try again");
  // A value that no column can hold is the caller's fault, and would be no better on a second try.
  if (isRefusedValue(error))
    return sendError(reply, "INVALID_PARAMETER_VALUE", `a value of the request cannot be stored: ${error.message}`);
  return sendError(
    reply,
    "INTERNAL_ERROR",
    `the server failed on this request; its log tells more under ${request.id}`,
  );
}

function knownCode(error: Error): MlflowCode | undefined {
  if (!(error instanceof WeftError)) return undefined;
  const codes: Partial<Record<WeftError["code"], MlflowCode>> = {
    invalid: "INVALID_PARAMETER_VALUE",
    not_found: "RESOURCE_DOES_NOT_EXIST",
    conflict: "RESOURCE_CONFLICT",
    failed_precondition: "INVALID_STATE",
    too_large: "INVALID_PARAMETER_VALUE",
    unavailable: "TEMPORARILY_UNAVAILABLE",
    disk_full: "RESOURCE_EXHAUSTED",
    corrupt: "DATA_LOSS",
  };
  return codes[error.code];
}

function sendError(reply: FastifyReply, code: MlflowCode, message: string): FastifyReply {
  return reply.code(MLFLOW_STATUS[code]).send({ error_code: code, message });
}
