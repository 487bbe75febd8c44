import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expandAssignment } from "../lib/core/alike.ts";
import { assignSubject, type Assignment } from "../lib/core/dispatch.ts";
import { attemptKey, type AttemptRef, type JobId, type NodeId } from "../lib/core/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Batch, TaskRow } from "./core/index.ts";

/** One message carries no more than this, so that a node begins with the first while the rest is under way. */
const ASSIGNMENTS_PER_MESSAGE_MAX = 64;
/** Far under what a server takes (1 MiB by default); a larger assignment travels alone. */
const MESSAGE_BYTES_MAX = 256 * 1024;
/** Messages published and not yet confirmed; more would only wait in nats-server. */
const IN_FLIGHT_MAX = 256;
/** Wait before a message is published again, in milliseconds; doubles up to the second. */
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;

/** Publishes one message and resolves when it is stored. */
export type Publish = (subject: string, payload: string, messageId: string) => Promise<void>;

interface Letter {
  readonly node: NodeId;
  readonly parts: readonly Part[];
}
interface Part {
  readonly ref: AttemptRef;
  /** Of one attempt its key; of a range also how many it is for. */
  readonly id: string;
  /**
   * What supersedes it. A range is never superseded: should one of its instances have moved on before it could be sent, the
   * node is told to stop it, as it is when a message comes late.
   */
  readonly instance: string;
  readonly json: string;
}

export interface PostmanParts {
  readonly term: number;
  readonly publish: Publish;
  /** Largest payload that the server takes, in bytes. */
  readonly payloadBytesMax: () => number;
  /** No server will ever take it: `bytes` is over the limit. */
  readonly onTooLarge: (node: NodeId, ref: AttemptRef, bytes: number) => void;
  readonly log: Log;
}

/**
 * Brings committed assignments to NATS without keeping the loop waiting. Each is published until NATS has stored it or
 * the instance has moved on; what NATS loses after that is asked for by heartbeats (HeartbeatResponse.query).
 */
export class Postman {
  readonly #parts: PostmanParts;
  readonly #waiting: Letter[] = [];
  /** Attempt of each instance whose assignment is not known to be stored. */
  readonly #unsent = new Map<string, number>();
  readonly #stopped = new AbortController();
  #inFlight = 0;
  #failing = false;
  #idle: (() => void)[] = [];

  constructor(parts: PostmanParts) {
    this.#parts = parts;
  }

  /** Of a committed batch. */
  post(batch: Batch): void {
    if (this.#unsent.size > 0) for (const row of batch.tasks) this.#supersede(row);
    for (const letter of letters(batch.assign)) {
      for (const { ref, instance } of letter.parts) this.#unsent.set(instance, ref.attempt);
      this.#waiting.push(letter);
    }
    this.#pump();
  }

  /** Assignments that are not known to be stored. */
  get unsent(): number {
    return this.#unsent.size;
  }

  /** Resolves when nothing is left to publish. */
  flushed(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Nothing is published any more: the term is over, or the server stops. */
  stop(): void {
    this.#stopped.abort();
    this.#waiting.length = 0;
    this.#unsent.clear();
  }

  #supersede(row: TaskRow): void {
    const key = instanceKey(row);
    const attempt = this.#unsent.get(key);
    if (attempt !== undefined && (row.attempt !== attempt || row.state !== "assigned")) this.#unsent.delete(key);
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX) {
      const letter = this.#waiting.shift();
      if (!letter) break;
      this.#inFlight += 1;
      void this.#deliver(letter).finally(() => {
        this.#inFlight -= 1;
        this.#pump();
      });
    }
    if (this.#inFlight === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #deliver(letter: Letter): Promise<void> {
    for (let waitMs = RETRY_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      const parts = letter.parts.filter(({ ref, instance }) => this.#unsent.get(instance) === ref.attempt);
      if (parts.length === 0 || this.#isTooLarge(letter.node, parts)) return;
      try {
        const payload = `{"term":${this.#parts.term},"assignments":[${parts.map(({ json }) => json).join(",")}]}`;
        await this.#parts.publish(assignSubject(letter.node), payload, messageId(parts));
        this.#delivered(parts);
        return;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (!this.#failing)
          this.#parts.log.warn({ err: error }, "an assignment could not be published; it is tried again");
        this.#failing = true;
      }
      await delay(waitMs, undefined, { signal: this.#stopped.signal }).catch(() => undefined);
    }
  }

  #delivered(parts: readonly Part[]): void {
    for (const { ref, instance } of parts) {
      if (this.#unsent.get(instance) === ref.attempt) this.#unsent.delete(instance);
    }
    if (this.#failing) this.#parts.log.info("assignments are published again");
    this.#failing = false;
  }

  #isTooLarge(node: NodeId, parts: readonly Part[]): boolean {
    const [only] = parts;
    if (!only || parts.length > 1 || only.json.length * 3 <= this.#parts.payloadBytesMax()) return false;
    const bytes = Buffer.byteLength(only.json) + ENVELOPE_BYTES;
    if (bytes <= this.#parts.payloadBytesMax()) return false;
    this.#unsent.delete(only.instance);
    this.#parts.onTooLarge(node, only.ref, bytes);
    return true;
  }
}

/** For the message around one assignment, and for its headers, which count. */
const ENVELOPE_BYTES = 256;

/** One message a node and at most so many assignments and bytes, in the order they were decided. */
export function letters(assign: Batch["assign"]): Letter[] {
  const done: Letter[] = [];
  const open = new Map<NodeId, { parts: Part[]; bytes: number }>();
  for (const { node, part } of assign.flatMap(partsOf)) {
    let letter = open.get(node);
    const full = letter && letter.parts.length >= ASSIGNMENTS_PER_MESSAGE_MAX;
    if (!letter || full || letter.bytes + part.json.length > MESSAGE_BYTES_MAX) {
      letter = { parts: [], bytes: 0 };
      open.set(node, letter);
      done.push({ node, parts: letter.parts });
    }
    letter.parts.push(part);
    letter.bytes += part.json.length;
  }
  return done;
}

/** A range goes as one, unless what its instances do not have in common is too much for a message. */
function partsOf({ node, assignment }: Batch["assign"][number]): { readonly node: NodeId; readonly part: Part }[] {
  const part = partOf(assignment);
  if (!assignment.alike || part.json.length <= MESSAGE_BYTES_MAX) return [{ node, part }];
  return expandAssignment(assignment).map((alone) => ({ node, part: partOf(alone) }));
}

function partOf(assignment: Assignment): Part {
  const { ref, alike } = assignment;
  const range = alike ? `+${alike.count}` : "";
  return {
    ref,
    id: attemptKey(ref) + range,
    instance: instanceKey(ref) + range,
    json: JSON.stringify(assignment),
  };
}

/** The attempt's key, or a digest of several: the same assignments have the same id, whoever publishes them. */
export function messageId(parts: readonly { readonly id: string }[]): string {
  const keys = parts.map(({ id }) => id).toSorted();
  return keys.length === 1 ? keys[0]! : createHash("sha1").update(keys.join("\n")).digest("hex");
}

function instanceKey(instance: { readonly job: JobId; readonly task: string; readonly index: number }): string {
  return `${instance.job}.${instance.task}.${instance.index}`;
}
