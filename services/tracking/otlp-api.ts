import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { unpack } from "../../lib/unpack.ts";
import { invalid, missingValue } from "./core/mlflow-error.ts";
import { checkRunId, parseExperimentId } from "./core/name.ts";
import { type OtlpSpan, readOtlp } from "./core/trace/otlp.ts";
import { traceIdOf, traceInfosOf } from "./core/trace/trace.ts";
import { speakMlflow } from "./route.ts";
import { getRun } from "./run-store.ts";
import { linkTraces, upsertSpans, upsertTraces } from "./trace-store.ts";

const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** Unpacked: a few kilobytes may hold gigabytes of zeros. */
const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;
const MEDIA_TYPES = ["application/x-protobuf", "application/json"] as const;

/**
 * OpenTelemetry's traces over HTTP (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"), protobuf or JSON. `x-mlflow-experiment-id`
 * says whose they are; `x-mlflow-run-id` links them to a run. Either all spans of a request are kept, or none. `ensure` makes
 * the run of an attempt, or the experiment of a pipeline, that is not there yet.
 */
export function otlpRoutes(
  pool: Pool,
  ensure: {
    readonly run: (id: string) => Promise<void>;
    readonly experiments: (ids: readonly string[]) => Promise<void>;
  },
): FastifyPluginAsync {
  const routes: FastifyPluginAsync = async (app) => {
    speakMlflow(app);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    app.post("/", { bodyLimit: BODY_BYTES_MAX }, async (request, reply) => {
      const mediaType = mediaTypeOf(request);
      const spans = readOtlp(await unpacked(request), mediaType);
      const experimentId = experimentOf(request);
      await ensure.experiments([experimentId]);
      const run = runOf(request);
      if (run !== undefined) {
        // Before anything is kept: a run that is not there refuses it all, and an attempt's is made with its experiment.
        await ensure.run(run);
        await getRun(pool, run);
      }
      await keep(pool, spans, experimentId);
      if (run !== undefined) await linkTraces(pool, [...new Set(spans.map(traceIdOf))], run);
      // An empty message of ExportTraceServiceResponse: all of it was kept.
      return reply.type(mediaType).send(mediaType === "application/json" ? "{}" : Buffer.alloc(0));
    });
  };
  return async (app) => {
    await app.register(routes, { prefix: "/v1/traces" });
  };
}

async function keep(pool: Pool, spans: readonly OtlpSpan[], experimentId: string): Promise<void> {
  if (spans.length === 0) return;
  // The traces first: they refuse an experiment that is not there, and a trace without spans is no lie.
  await upsertTraces(pool, traceInfosOf(spans, experimentId), false);
  await upsertSpans(pool, spans);
}

function experimentOf({ headers }: FastifyRequest): string {
  const id = headers["x-mlflow-experiment-id"];
  if (typeof id !== "string") throw missingValue("x-mlflow-experiment-id");
  return parseExperimentId(id);
}

function runOf({ headers }: FastifyRequest): string | undefined {
  const id = headers["x-mlflow-run-id"];
  return typeof id === "string" ? checkRunId(id) : undefined;
}

function mediaTypeOf({ headers }: FastifyRequest): (typeof MEDIA_TYPES)[number] {
  const given = headers["content-type"]?.split(";")[0]!.trim().toLowerCase();
  const found = MEDIA_TYPES.find((type) => type === given);
  if (found === undefined)
    throw invalid(`Invalid Content-Type: ${headers["content-type"]}. Expected: ${MEDIA_TYPES.join(" or ")}`);
  return found;
}

async function unpacked({ headers, body }: FastifyRequest): Promise<Buffer> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  return unpack(bytes, headers["content-encoding"], UNPACKED_BYTES_MAX).catch((error: Error) => {
    throw invalid(error.message);
  });
}
