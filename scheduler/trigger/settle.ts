import type { PoolClient } from "pg";
import { describeError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { contentOf, decide, type StoredPipeline, type TriggerEvent, type TriggerFacts } from "./core/decide.ts";
import { dropPending, findDuplicate, pendingEvents, type Settled, settleEvent } from "./event-store.ts";
import { lockTrigger, type PipelineVersion, readVersion, setFired, type TriggerRow } from "./store.ts";
import { decodeSubmit } from "./version.ts";

/** Events of one trigger that are decided in one transaction. */
const EVENTS_MAX = 200;

/**
 * Decides about the pending events of a trigger, in the order in which they came, within the caller's transaction; any server may. False: there
 * may be more.
 */
export async function settleTrigger(client: PoolClient, id: string, newJobId: () => JobId): Promise<boolean> {
  const trigger = await lockTrigger(client, id);
  if (!trigger) {
    await dropPending(client, id, "the trigger was removed");
    return true;
  }
  const events = await pendingEvents(client, id, EVENTS_MAX);
  if (events.length === 0) return true;
  const stored = await readVersion(client, trigger.pipeline, trigger.version);
  if (!stored) throw new Error(`version ${trigger.version} of pipeline ${trigger.pipeline} is not stored`);
  const pipeline = pipelineOf(stored);
  let facts = factsOf(trigger);
  for (const event of events) {
    const settled = await settleOne(client, trigger, facts, pipeline, event, newJobId);
    await settleEvent(client, id, settled);
    if (settled.state !== "accepted") continue;
    const content = event.kind === "data" ? event.content : null;
    await setFired(client, id, event.atMs, content);
    facts = { ...facts, firedAtMs: event.atMs, lastContent: content ?? facts.lastContent };
  }
  return events.length < EVENTS_MAX;
}

/** A server of a later version may not accept any more what an earlier one did. */
function pipelineOf({ version, submit }: PipelineVersion): StoredPipeline | { readonly wrong: string } {
  try {
    return decodeSubmit(submit);
  } catch (error) {
    return { wrong: `version ${version} of the pipeline cannot be submitted: ${describeError(error)}` };
  }
}

export function factsOf(trigger: TriggerRow): TriggerFacts {
  return { ...trigger, kind: trigger.source.kind };
}

async function settleOne(
  client: PoolClient,
  trigger: TriggerRow,
  facts: TriggerFacts,
  pipeline: StoredPipeline | { readonly wrong: string },
  event: TriggerEvent,
  newJobId: () => JobId,
): Promise<Settled> {
  const undecided = { event: event.event, content: event.content, version: null, job: null, params: event.params };
  if ("wrong" in pipeline) return { ...undecided, state: "refused", reason: pipeline.wrong };
  const content = contentOf(facts, event);
  if (!content.ok) return { ...undecided, state: "refused", reason: content.reason };
  const held = { trigger: trigger.id, event: event.event, content: content.content, atMs: event.atMs };
  const duplicateOf = facts.dedupeWindowMs > 0 ? await findDuplicate(client, held, facts.dedupeWindowMs) : null;
  const decision = decide(facts, pipeline, event, duplicateOf);
  const decided = { ...undecided, content: content.content };
  if (decision.kind !== "accepted") return { ...decided, state: decision.kind, reason: decision.reason };
  const { version } = trigger;
  return { ...decided, state: "accepted", version, job: newJobId(), params: decision.params, reason: "" };
}
