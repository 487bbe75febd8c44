import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { JobId } from "../../lib/core/ids.ts";
import type { Json } from "../../lib/core/pipeline/placeholder.ts";
import { isoTime } from "../../lib/core/wall-clock.ts";
import type { Log } from "../../lib/log.ts";
import type { FindData } from "../api/parts.ts";
import type { Answer, Batch, Event } from "../core/index.ts";
import type { Recorder } from "../store.ts";
import { contextOf } from "./core/context.ts";
import type { EventIntake, EventMessage } from "./event-intake.ts";
import { insertEvents } from "./event-store.ts";
import { TriggerKeeper } from "./keeper.ts";
import { recordEndedJobs } from "./record.ts";
import { TriggerRegistry } from "./registry.ts";
import { fullName } from "./store.ts";

/** Of a message or a request, in bytes: it is a row until it is decided. As GitHub and others, far over what events have. */
export const PAYLOAD_BYTES_MAX = 1024 * 1024;

/** The running loop of a leader, as triggers use it. */
export interface TriggerLoop {
  submit(event: Event): Promise<Answer>;
  onBatch(listener: (batch: Batch) => void): () => void;
}

export interface TriggerBus {
  consumeEvents(handle: (message: EventMessage) => Promise<void>): EventIntake;
  onTriggerHint(listener: () => void): () => void;
}

export interface DeskParts {
  readonly pool: Pool;
  readonly bus: TriggerBus;
  readonly newJobId: () => JobId;
  readonly findData: FindData;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

interface Reigning {
  readonly keeper: TriggerKeeper;
  readonly intake: EventIntake;
  readonly unsubscribe: readonly (() => void)[];
}

/** The triggers of one server: at work while it leads. */
export class TriggerDesk {
  readonly #parts: DeskParts;
  readonly registry: TriggerRegistry;
  #reigning: Reigning | undefined;
  #ending: Promise<unknown> = Promise.resolve();

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.registry = new TriggerRegistry(parts.log);
  }

  /** For the store: what ends in a batch is told to the triggers in its transaction. */
  readonly record: Recorder = (client, { batch }) => recordEndedJobs(client, batch.news, this.registry.watched);

  /** Undefined: this server does not lead. */
  get keeper(): TriggerKeeper | undefined {
    return this.#reigning?.keeper;
  }

  begin(loop: TriggerLoop): void {
    const { bus, pool, newJobId, findData, now, log } = this.#parts;
    const { registry } = this;
    registry.forget();
    const keeper = new TriggerKeeper({
      pool,
      registry,
      submit: (event) => loop.submit(event),
      newJobId,
      findData,
      now,
      log,
    });
    const intake = bus.consumeEvents(async (message) => {
      if (registry.watched === null) await registry.reload(pool);
      if (await this.#takeMessage(message)) keeper.wake();
    });
    const wake = (): void => keeper.wake();
    const unsubscribe = [
      bus.onTriggerHint(wake),
      loop.onBatch(({ news }) => {
        if (news.some(({ row, progress }) => progress.finishedAtMs !== null && registry.watched?.has(row.pipeline)))
          wake();
      }),
    ];
    this.#reigning = { keeper, intake, unsubscribe };
  }

  /** A trigger was changed: known from now on. */
  async refresh(): Promise<void> {
    if (!this.#reigning) return;
    try {
      await this.registry.reload(this.#parts.pool);
    } catch (error) {
      // The change is committed all the same: the keeper reads it as soon as Postgres answers.
      this.registry.forget();
      throw error;
    } finally {
      this.#reigning?.keeper.wake();
    }
  }

  /** The reign is over; what was begun is finished by the next leader. */
  end(): void {
    if (!this.#reigning) return;
    const { keeper, intake, unsubscribe } = this.#reigning;
    this.#reigning = undefined;
    for (const each of unsubscribe) each();
    this.registry.forget();
    this.#ending = Promise.all([this.#ending, keeper.stop(), intake.stop()]);
  }

  async stop(): Promise<void> {
    this.end();
    await this.#ending;
  }

  /** True: there is something to decide. */
  async #takeMessage({ subject, sequence, atMs, data }: EventMessage): Promise<boolean> {
    const triggers = this.registry.bySubject(subject);
    if (triggers.length === 0) return false;
    const event = `${sequence}@${isoTime(atMs)}`;
    const content = createHash("sha256").update(data).digest("hex");
    const large = data.length > PAYLOAD_BYTES_MAX;
    const payload = large ? null : readPayload(data);
    await insertEvents(
      this.#parts.pool,
      triggers.map((trigger) => ({
        trigger: trigger.id,
        name: fullName(trigger),
        event,
        kind: "nats" as const,
        atMs,
        content,
        context: contextOf(fullName(trigger), "nats", event, atMs, { subject, payload }),
        params: {},
        force: false,
        depth: 1,
        ...(large ? { dropped: `the message has ${data.length} bytes; at most ${PAYLOAD_BYTES_MAX} are taken` } : {}),
      })),
    );
    return true;
  }
}

/** JSON, or the text when it is none. */
export function readPayload(data: Uint8Array): Json {
  const text = new TextDecoder().decode(data);
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
