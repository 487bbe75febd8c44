import { createHash, randomBytes } from "node:crypto";
import type { Pool, PoolClient } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { Json } from "../../lib/core/pipeline/placeholder.ts";
import type { Scalar } from "../../lib/core/pipeline/spec.ts";
import { inTransaction } from "../../lib/db.ts";
import type { FireTriggerRequest__Output } from "../../proto/gen/weft/v1/FireTriggerRequest.ts";
import type { FireTriggerResponse } from "../../proto/gen/weft/v1/FireTriggerResponse.ts";
import type { GetTriggerRequest__Output } from "../../proto/gen/weft/v1/GetTriggerRequest.ts";
import type { ListTriggersRequest__Output } from "../../proto/gen/weft/v1/ListTriggersRequest.ts";
import type { ListTriggersResponse } from "../../proto/gen/weft/v1/ListTriggersResponse.ts";
import type { RotateSecretResponse } from "../../proto/gen/weft/v1/RotateSecretResponse.ts";
import type { Trigger as TriggerProto } from "../../proto/gen/weft/v1/Trigger.ts";
import type { TriggerRequest__Output } from "../../proto/gen/weft/v1/TriggerRequest.ts";
import { fromProtoValue } from "../../proto/value.ts";
import { contextOf, tickValues } from "../trigger/core/context.ts";
import type { TriggerDesk } from "../trigger/desk.ts";
import { dropPending, insertEvents, latestEvents, readEvent } from "../trigger/event-store.ts";
import { settleTrigger } from "../trigger/settle.ts";
import {
  deleteTrigger,
  findTrigger,
  fullName,
  holdTerm,
  listTriggers,
  lockTrigger,
  readVersion,
  type TriggerRow,
  upsertTrigger,
} from "../trigger/store.ts";
import type { Reign } from "./reign.ts";
import { firingToProto, triggerToMessage } from "./trigger.ts";

const FIRINGS_DEFAULT = 20;
const FIRINGS_MAX = 1_000;
const KEY_LENGTH_MAX = 200;
const SECRET_BYTES = 32;

export interface TriggerApiParts {
  readonly pool: Pool;
  readonly desk: TriggerDesk;
  readonly newJobId: () => JobId;
  readonly nowMs: () => number;
}

/** TriggerService but for Apply. What takes a Reign only the leader can do. */
export class TriggerApi {
  readonly #parts: TriggerApiParts;

  constructor(parts: TriggerApiParts) {
    this.#parts = parts;
  }

  async list(request: ListTriggersRequest__Output): Promise<ListTriggersResponse> {
    const rows = await listTriggers(this.#parts.pool, request.pipeline);
    return { triggers: rows.map((row) => triggerToMessage(row, null, this.#parts.nowMs())) };
  }

  async get(request: GetTriggerRequest__Output): Promise<TriggerProto> {
    const { pool, nowMs } = this.#parts;
    const row = await this.#find(request.name);
    const version = await readVersion(pool, row.pipeline, row.version);
    const count = request.firings === 0 ? FIRINGS_DEFAULT : Math.min(request.firings, FIRINGS_MAX);
    const firings = await latestEvents(pool, row.id, count);
    return { ...triggerToMessage(row, version ?? null, nowMs()), firings: firings.map(firingToProto) };
  }

  async pause(request: TriggerRequest__Output, reign: Reign): Promise<TriggerProto> {
    return this.#change(request.name, reign, async (client, row) => {
      const paused: TriggerRow = { ...row, state: "paused", changedAtMs: this.#parts.nowMs() };
      await upsertTrigger(client, paused);
      return paused;
    });
  }

  /** Ticks that passed meanwhile are not missed: nobody wanted them. */
  async resume(request: TriggerRequest__Output, reign: Reign): Promise<TriggerProto> {
    return this.#change(request.name, reign, async (client, row) => {
      if (row.state === "active") return row;
      const nowMs = this.#parts.nowMs();
      const resumed: TriggerRow = { ...row, state: "active", cursorMs: nowMs, changedAtMs: nowMs };
      await upsertTrigger(client, resumed);
      return resumed;
    });
  }

  async remove(request: TriggerRequest__Output, reign: Reign): Promise<Record<string, never>> {
    await this.#change(request.name, reign, async (client, row) => {
      await deleteTrigger(client, row.id);
      await dropPending(client, row.id, "the trigger was removed");
      return row;
    });
    return {};
  }

  async rotateSecret(request: TriggerRequest__Output, reign: Reign): Promise<RotateSecretResponse> {
    let secret = "";
    await this.#change(request.name, reign, async (client, row) => {
      if (row.source.kind !== "webhook") {
        throw new WeftError("failed_precondition", `trigger ${fullName(row)} is no webhook and has no secret`);
      }
      secret = newSecret(row.source.signature);
      const changed = { ...row, secret, changedAtMs: this.#parts.nowMs() };
      await upsertTrigger(client, changed);
      return changed;
    });
    return { secret };
  }

  /** Answered when the job is there. */
  async fire(request: FireTriggerRequest__Output, _reign: Reign): Promise<FireTriggerResponse> {
    const { pool, desk, newJobId } = this.#parts;
    const keeper = desk.keeper;
    if (!keeper) throw new WeftError("unavailable", "this server does not lead any more; ask again");
    if (request.key.length > KEY_LENGTH_MAX) {
      throw new WeftError("invalid", `key has ${request.key.length} characters; at most ${KEY_LENGTH_MAX} are allowed`);
    }
    const trigger = await this.#find(request.name);
    const event = this.#manualEvent(trigger, request);
    const submitted = keeper.whenSubmitted(trigger.id, event.event);
    try {
      const { isNew, row } = await inTransaction(pool, async (client) => {
        const inserted = await insertEvents(client, [event]);
        await settleTrigger(client, trigger.id, newJobId);
        return { isNew: inserted.length > 0, row: (await readEvent(client, trigger.id, event.event))! };
      });
      keeper.wake();
      const end = row.state === "accepted" ? await submitted.end : row;
      if (end.state === "refused") throw new WeftError("failed_precondition", end.reason);
      return { jobId: end.job ?? "", state: end.state, reason: end.reason, existing: !isNew && end.state === "fired" };
    } finally {
      submitted.forget();
    }
  }

  #manualEvent(trigger: TriggerRow, request: FireTriggerRequest__Output): Parameters<typeof insertEvents>[1][number] {
    const { newJobId, nowMs } = this.#parts;
    const atMs = nowMs();
    const params = readParams(request);
    const event = `manual:${request.key === "" ? newJobId() : request.key}`;
    const { source } = trigger;
    const values: { readonly [key: string]: Json } =
      source.kind === "schedule" ? tickValues(Math.floor(atMs / 1000) * 1000, source.timezone) : {};
    return {
      trigger: trigger.id,
      name: fullName(trigger),
      event,
      kind: "manual",
      atMs,
      content: createHash("sha256").update(JSON.stringify(params)).digest("hex"),
      context: contextOf(fullName(trigger), "manual", event, atMs, values),
      params,
      force: request.force,
      depth: 1,
    };
  }

  async #find(name: string): Promise<TriggerRow> {
    const { pool } = this.#parts;
    const row = await findTrigger(pool, name);
    if (row) return row;
    const known = (await listTriggers(pool)).map(fullName);
    throw new WeftError(
      "not_found",
      `there is no trigger "${name}"${hint(name, known)}; \`weft trigger list\` lists them`,
    );
  }

  /** In one transaction with the term; answered when the registry knows it. */
  async #change(
    name: string,
    reign: Reign,
    change: (client: PoolClient, row: TriggerRow) => Promise<TriggerRow>,
  ): Promise<TriggerProto> {
    const { pool, desk, nowMs } = this.#parts;
    const found = await this.#find(name);
    const changed = await inTransaction(pool, async (client) => {
      await holdTerm(client, reign.term);
      const row = await lockTrigger(client, found.id);
      if (!row) throw new WeftError("not_found", `trigger ${name} was removed just now`);
      return change(client, row);
    });
    await desk.refresh();
    return triggerToMessage(changed, null, nowMs());
  }
}

export function newSecret(signature: "github" | "standard"): string {
  const bytes = randomBytes(SECRET_BYTES);
  return signature === "standard" ? `whsec_${bytes.toString("base64")}` : bytes.toString("hex");
}

function readParams(request: FireTriggerRequest__Output): Record<string, Scalar> {
  return Object.fromEntries(
    Object.entries(request.params).map(([name, value]): [string, Scalar] => {
      const scalar = fromProtoValue(value);
      if (scalar !== undefined) return [name, scalar];
      throw new WeftError(
        "invalid",
        `parameter "${name}" holds a list or an object; a string, a number, true, false or null would be right`,
      );
    }),
  );
}
