import { createHash } from "node:crypto";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { inTransaction, isTransient } from "../../lib/db.ts";
import { contextOf } from "./core/context.ts";
import { PAYLOAD_BYTES_MAX, readPayload } from "./desk.ts";
import { type EventRow, insertEvents, readEvent } from "./event-store.ts";
import { settleTrigger } from "./settle.ts";
import { type Headers, verifyGithub, verifyStandard } from "./signature.ts";
import { findTrigger, fullName, type TriggerRow } from "./store.ts";

const DELIVERY_LENGTH_MAX = 200;
const HEADER_LENGTH_MAX = 1_000;
const HEADERS_MAX = 50;
/** Headers that a template may name; never one that could be a secret. */
const HEADER_KEPT = /^(?:x-|webhook-|content-type$|user-agent$)/;
const HEADER_SECRET = /signature|token|secret|authorization|password|key|cookie/;

export interface HookParts {
  readonly pool: Pool;
  readonly newJobId: () => JobId;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Tells the leader that there is something to submit. */
  readonly tellLeader: () => void;
}

/**
 * `POST /hooks/PIPELINE.NAME`, answered once the event and what was decided about it are durable:
 *
 *   202 accepted   `{ state, trigger, event, job }`: the job is submitted within moments, also if this server dies now
 *   200 accepted, fired, dropped, refused   a delivery that came before, with what became of it
 *   200 dropped    cool-down or deduplication, with the reason
 *   400 no job can come of it    401 the signature is missing, wrong or too old    404 no such webhook    409 paused    413 too large
 *   503 the database does not answer: send it again
 */
export function hookRoutes(parts: HookParts) {
  return async (app: FastifyInstance): Promise<void> => {
    // The signature is over the bytes, so that nobody may parse them before.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    app.post<{ Params: { name: string } }>("/hooks/:name", { bodyLimit: PAYLOAD_BYTES_MAX }, async (request, reply) => {
      try {
        await answer(parts, request, reply);
      } catch (error) {
        if (error instanceof WeftError || !isTransient(error)) throw error;
        throw new WeftError("unavailable", "the server's database does not answer at this moment; send it again", {
          cause: error,
        });
      }
    });
  };
}

async function answer(
  parts: HookParts,
  request: FastifyRequest<{ Params: { name: string } }>,
  reply: FastifyReply,
): Promise<void> {
  const { pool, newJobId, now, tellLeader } = parts;
  const trigger = await findTrigger(pool, request.params.name);
  if (!trigger || trigger.source.kind !== "webhook" || trigger.secret === null) {
    throw new WeftError("not_found", `there is no webhook "${request.params.name.slice(0, 130)}"`);
  }
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const { headers } = request;
  const nowMs = now();
  const verified =
    trigger.source.signature === "github"
      ? verifyGithub(trigger.secret, headers, body)
      : verifyStandard(trigger.secret, headers, body, nowMs);
  if (!verified.ok) {
    await reply.code(401).send({ error: { code: "unauthenticated", message: verified.reason } });
    return;
  }
  if (headers["x-github-event"] === "ping") {
    await reply.code(200).send({ state: "ping", trigger: fullName(trigger) });
    return;
  }
  if (trigger.state === "paused") throw new WeftError("conflict", `trigger ${fullName(trigger)} is paused`);
  const event = eventOf(trigger, verified.id ?? deliveryOf(headers, newJobId), headers, body, nowMs);
  const { isNew, row } = await inTransaction(pool, async (client) => {
    const inserted = await insertEvents(client, [event]);
    await settleTrigger(client, trigger.id, newJobId);
    return { isNew: inserted.length > 0, row: (await readEvent(client, trigger.id, event.event))! };
  });
  if (row.state === "accepted") tellLeader();
  if (isNew && row.state === "refused") throw new WeftError("invalid", row.reason);
  await reply.code(isNew && row.state === "accepted" ? 202 : 200).send(bodyOf(row, isNew));
}

/** GitHub sends the same id with a delivery that it repeats. */
function deliveryOf(headers: Headers, newJobId: () => JobId): string {
  const given = headers["x-github-delivery"];
  return typeof given === "string" && /^[\w-]+$/.test(given) && given.length <= DELIVERY_LENGTH_MAX
    ? given
    : newJobId();
}

function eventOf(
  trigger: TriggerRow,
  event: string,
  headers: Headers,
  body: Buffer,
  atMs: number,
): Parameters<typeof insertEvents>[1][number] {
  const name = fullName(trigger);
  const values = { payload: readPayload(body), headers: keptHeaders(headers) };
  return {
    trigger: trigger.id,
    name,
    event,
    kind: "webhook",
    atMs,
    content: createHash("sha256").update(body).digest("hex"),
    context: contextOf(name, "webhook", event, atMs, values),
    params: {},
    force: false,
    depth: 1,
  };
}

function keptHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => HEADER_KEPT.test(name) && !HEADER_SECRET.test(name))
      .slice(0, HEADERS_MAX)
      .flatMap(([name, value]): [string, string][] =>
        typeof value === "string" ? [[name, value.slice(0, HEADER_LENGTH_MAX)]] : [],
      ),
  );
}

function bodyOf(row: EventRow, isNew: boolean): object {
  const { name, event, state, job, reason } = row;
  return {
    trigger: name,
    event,
    state,
    job,
    ...(reason === "" ? {} : { reason }),
    ...(isNew ? {} : { existing: true }),
  };
}
