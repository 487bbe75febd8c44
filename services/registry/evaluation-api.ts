import type { FastifyPluginAsync } from "fastify";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { actorOf, attemptOf } from "./actor.ts";
import type { Registry } from "./registry.ts";

const metrics = z.record(z.string(), z.number());
const body = z.strictObject({
  model: z.string(),
  version: z.union([z.string(), z.number().int().transform(String)]),
  /** The same id again changes nothing; without one: one a task, version and data set, else a new one. */
  id: z.string().default(""),
  dataset: z.string(),
  dataset_digest: z.string().default(""),
  metrics,
  segments: z.record(z.string(), metrics).default({}),
  run_id: z.string().default(""),
});

/** `POST /v1/evaluations`: a task reports what it measured, with no more than an HTTP client; see docs/registry.md. */
export function evaluationRoutes({ evaluations }: Registry): FastifyPluginAsync {
  return async (app) => {
    app.post("/v1/evaluations", async (request, reply) => {
      const parsed = body.safeParse(request.body);
      if (!parsed.success)
        throw new WeftError("invalid", `the body is no evaluation: ${z.prettifyError(parsed.error)}`);
      const { model: name, dataset_digest: datasetDigest, run_id: runId, ...given } = parsed.data;
      const asked = { ...given, name, datasetDigest, attempt: attemptOf(request), runId };
      const row = await evaluations.record(asked, actorOf(request));
      return reply.code(201).send({ id: row.id });
    });
  };
}
