import { isDeepStrictEqual } from "node:util";
import type { Pool, PoolClient } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { fromProto } from "../../lib/core/pipeline/canonical.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { TriggerSource, TriggerSpec } from "../../lib/core/pipeline/trigger.ts";
import { readNewsName } from "../../lib/core/pipeline/trigger.ts";
import { inTransaction } from "../../lib/db.ts";
import { rawRequest } from "../../lib/grpc.ts";
import type { AppliedTrigger } from "../../proto/gen/weft/v1/AppliedTrigger.ts";
import type { ApplyTriggersRequest__Output } from "../../proto/gen/weft/v1/ApplyTriggersRequest.ts";
import type { ApplyTriggersResponse } from "../../proto/gen/weft/v1/ApplyTriggersResponse.ts";
import type { TriggerDesk } from "../trigger/desk.ts";
import { dropPending } from "../trigger/event-store.ts";
import {
  deleteTrigger,
  ensureVersion,
  fullName,
  holdTerm,
  listTriggers,
  lockPipeline,
  type TriggerRow,
  upsertTrigger,
} from "../trigger/store.ts";
import { encodeSubmit } from "../trigger/version.ts";
import type { Reign } from "./reign.ts";
import { readSubmit } from "./submit.ts";
import { newSecret } from "./trigger-api.ts";
import { hookOf, nextAtMs, specOf } from "./trigger.ts";

/** As random as a key of 128 bits, in any encoding. */
const SECRET_LENGTH_MIN = 16;
const SECRET_LENGTH_MAX = 500;

export interface TriggerApplyParts {
  readonly pool: Pool;
  readonly desk: TriggerDesk;
  readonly newJobId: () => JobId;
  readonly nowMs: () => number;
  /** Throws `failed_precondition` when this server cannot send what the pipeline wants sent. */
  readonly checkNotify: (spec: ReturnType<typeof readSubmit>["spec"]) => void;
}

/** TriggerService.Apply: the triggers of a pipeline become what its `on:` says, all or none. */
export class TriggerApply {
  readonly #parts: TriggerApplyParts;

  constructor(parts: TriggerApplyParts) {
    this.#parts = parts;
  }

  async apply(request: ApplyTriggersRequest__Output, reign: Reign): Promise<ApplyTriggersResponse> {
    const { pool, desk, newJobId, nowMs, checkNotify } = this.#parts;
    const { submit, secrets } = request;
    if (!submit?.pipeline) throw new WeftError("invalid", "the request has no pipeline");
    const job = readSubmit(submit, rawRequest(request)?.length ?? 0, newJobId());
    checkNotify(job.spec);
    const read = fromProto(submit.pipeline);
    const triggers = (read.ok && read.spec.triggers) || [];
    checkSecrets(triggers, secrets);
    const { submit: bytes, digest } = encodeSubmit(submit);
    const pipeline = job.spec.name;
    const applied = await inTransaction(pool, async (client) => {
      await holdTerm(client, reign.term);
      await lockPipeline(client, pipeline);
      const version = await ensureVersion(client, { pipeline, submit: bytes, digest, nowMs: nowMs() });
      const before = new Map((await listTriggers(client, pipeline)).map((row) => [row.name, row]));
      const made: AppliedTrigger[] = [];
      for (const spec of triggers) {
        const row = this.#rowOf(pipeline, version, spec, before.get(spec.name), secrets[spec.name]);
        made.push(await this.#write(client, row, before.get(spec.name)));
        before.delete(spec.name);
      }
      for (const row of before.values()) {
        await deleteTrigger(client, row.id);
        await dropPending(client, row.id, "the trigger was removed");
        made.push({ name: fullName(row), change: "removed" });
      }
      return { pipeline, version, triggers: made };
    });
    await desk.refresh();
    return applied;
  }

  #rowOf(
    pipeline: string,
    version: number,
    spec: TriggerSpec,
    before: TriggerRow | undefined,
    secret: string | undefined,
  ): TriggerRow {
    const nowMs = this.#parts.nowMs();
    const { source } = spec;
    const row: TriggerRow = {
      id: before?.id ?? this.#parts.newJobId(),
      pipeline,
      ...spec,
      watches: watchedBy(source),
      version,
      state: before?.state ?? "active",
      secret: secretOf(source, before, secret),
      // Another schedule has missed nothing yet.
      cursorMs: before && isDeepStrictEqual(before.source, source) ? before.cursorMs : nowMs,
      firedAtMs: before?.firedAtMs ?? null,
      lastContent: before?.lastContent ?? null,
      createdAtMs: before?.createdAtMs ?? nowMs,
      changedAtMs: nowMs,
    };
    return row;
  }

  async #write(client: PoolClient, row: TriggerRow, before: TriggerRow | undefined): Promise<AppliedTrigger> {
    const same =
      before !== undefined &&
      before.version === row.version &&
      before.secret === row.secret &&
      isDeepStrictEqual(specOf(before), specOf(row));
    if (!same) await upsertTrigger(client, row);
    const isMade = row.secret !== null && row.secret !== before?.secret;
    return {
      name: fullName(row),
      change: before === undefined ? "created" : same ? "unchanged" : "changed",
      secret: isMade ? row.secret! : "",
      hook: hookOf(row),
      nextAtMs: nextAtMs(row, this.#parts.nowMs()),
    };
  }
}

function watchedBy(source: TriggerSource): string | null {
  if (source.kind === "data" && "from" in source) return readNewsName(source.from)!.watched;
  return source.kind === "job" || source.kind === "data" ? source.pipeline : null;
}

function secretOf(source: TriggerSource, before: TriggerRow | undefined, given: string | undefined): string | null {
  if (source.kind !== "webhook") return null;
  if (given !== undefined) return given;
  // A secret of the other kind of signature has another form.
  const fits = before?.source.kind === "webhook" && before.source.signature === source.signature;
  return (fits ? before.secret : null) ?? newSecret(source.signature);
}

function checkSecrets(triggers: readonly TriggerSpec[], secrets: Readonly<Record<string, string>>): void {
  const hooks = triggers.filter(({ source }) => source.kind === "webhook");
  for (const [name, secret] of Object.entries(secrets)) {
    const hook = hooks.find((trigger) => trigger.name === name);
    if (hook?.source.kind !== "webhook") {
      const known = hooks.map((trigger) => trigger.name);
      throw new WeftError(
        "invalid",
        `a secret is given for "${name}", which is no webhook of this pipeline${hint(name, known)}`,
      );
    }
    if (secret.length < SECRET_LENGTH_MIN || secret.length > SECRET_LENGTH_MAX) {
      throw new WeftError(
        "invalid",
        `the secret of "${name}" has ${secret.length} characters; ${SECRET_LENGTH_MIN} to ${SECRET_LENGTH_MAX} would be right`,
      );
    }
    if (hook.source.signature === "standard" && !/^(?:whsec_)?[A-Za-z0-9+/]+={0,2}$/.test(secret)) {
      throw new WeftError("invalid", `the secret of "${name}" must be whsec_ and base64, as Standard Webhooks have it`);
    }
  }
}
