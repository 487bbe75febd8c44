import { PassThrough } from "node:stream";
import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { collectGarbage, type ReferenceSource } from "./collect.ts";
import type { ArtifactStore } from "./store.ts";

/** Shorter than what any proxy takes for a connection that is gone. */
const SIGN_OF_LIFE_MS = 5_000;

const body = z.strictObject({ dryRun: z.boolean().default(false) });

/**
 * `POST /v1/gc` `{ dryRun }`: a line of JSON now and then, `{ step, count }`, while it works; the last is `{ result }` or `{ error }`.
 */
export function collectRoutes(parts: {
  readonly pool: Pool;
  readonly store: ArtifactStore;
  readonly sources: readonly ReferenceSource[];
  readonly now: () => number;
}): FastifyPluginAsync {
  return async (app) => {
    app.post("/v1/gc", async (request, reply) => {
      const parsed = body.safeParse(request.body ?? {});
      if (!parsed.success)
        throw new WeftError("invalid", `the body must be { "dryRun": true }: ${z.prettifyError(parsed.error)}`);
      const lines = new PassThrough();
      const say = (line: unknown): void => void lines.write(`${JSON.stringify(line)}\n`);
      let last: unknown = { step: "begun", count: 0 };
      say(last);
      const timer = setInterval(() => say(last), SIGN_OF_LIFE_MS);
      void collectGarbage(parts, parsed.data.dryRun, (step, count) => (last = { step, count }))
        .then(
          (result) => say({ result }),
          (error: unknown) => {
            request.log.error({ err: error }, "garbage collection failed");
            const code = error instanceof WeftError ? error.code : "internal";
            say({ error: { code, message: describeError(error) } });
          },
        )
        .finally(() => {
          clearInterval(timer);
          lines.end();
        });
      return reply.type("application/x-ndjson").send(lines);
    });
  };
}
