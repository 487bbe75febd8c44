import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { WeftError } from "../../../lib/core/error.ts";
import { isTransient } from "../../../lib/db.ts";
import { unpack } from "../../../lib/unpack.ts";
import { type LineageEvent, readEvent } from "./core/event.ts";
import { keepEvents } from "./event-store.ts";

/** As sent, and unpacked: a Spark job with column lineage of wide tables sends megabytes, a few of them in a batch. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;
const UNPACKED_BYTES_MAX = 32 * 1024 * 1024;
/** In one batch, and in one transaction. */
const EVENTS_MAX = 10_000;
/** Two servers that write about the same runs may stop each other; the second try waits for the first. */
const TRIES = 3;

export interface ReceiveParts {
  readonly pool: Pool;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Which of the events are of attempts of this cluster, which knows them better. */
  readonly areOwn: (events: readonly LineageEvent[]) => Promise<readonly boolean[]>;
}

/**
 * `POST /api/v1/lineage`: one event of OpenLineage; 201 without a body when it is kept, as Marquez answers. `POST /api/v1/lineage/batch`: a list of
 * them, each kept or refused by itself: 204 when all are kept, else 200 with what became of which.
 */
export function receiveRoutes(parts: ReceiveParts): FastifyPluginAsync {
  return async (app) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX }, (_request, body, done) =>
      done(null, body),
    );
    app.post("/api/v1/lineage", async (request, reply) => {
      await keep(parts, [readEvent(await bodyOf(request))]);
      return reply.code(201).send();
    });
    app.post("/api/v1/lineage/batch", async (request, reply) => {
      const body = await bodyOf(request);
      if (!Array.isArray(body)) throw new WeftError("invalid", "the body must be a list of OpenLineage events");
      if (body.length > EVENTS_MAX)
        throw new WeftError("too_large", `the batch has ${body.length} events, and may have ${EVENTS_MAX}`);
      const read = body.map(tryRead);
      await keep(
        parts,
        read.flatMap((one) => ("event" in one ? [one.event] : [])),
      );
      const failed = read.flatMap((one, index) =>
        "reason" in one ? [{ index, reason: one.reason, retriable: false }] : [],
      );
      if (failed.length === 0) return reply.code(204).send();
      return reply.code(200).send({
        status: failed.length === body.length ? "failure" : "partial_success",
        summary: {
          received: body.length,
          successful: body.length - failed.length,
          failed: failed.length,
          retriable: 0,
          non_retriable: failed.length,
        },
        failed_events: failed,
      });
    });
  };
}

function tryRead(body: unknown): { readonly event: LineageEvent } | { readonly reason: string } {
  try {
    return { event: readEvent(body) };
  } catch (error) {
    if (error instanceof WeftError) return { reason: error.message };
    throw error;
  }
}

/** Errors: `unavailable`, after which clients send it again. */
async function keep({ pool, now, areOwn }: ReceiveParts, events: readonly LineageEvent[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const own = await areOwn(events);
      await keepEvents(
        pool,
        events.filter((_, i) => !own[i]),
        now(),
      );
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (tries >= TRIES)
        throw new WeftError("unavailable", "the events could not be stored; send them again", { cause: error });
    }
  }
}

async function bodyOf({ headers, body }: FastifyRequest): Promise<unknown> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const plain = await unpack(bytes, headers["content-encoding"], UNPACKED_BYTES_MAX).catch((error: Error) => {
    throw new WeftError("invalid", error.message, { cause: error });
  });
  try {
    return JSON.parse(plain.toString("utf8")) as unknown;
  } catch (error) {
    throw new WeftError("invalid", `the body is no JSON: ${(error as Error).message}`, { cause: error });
  }
}
