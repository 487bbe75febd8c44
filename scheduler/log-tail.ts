import { jetstream, type JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { LOG_HEADERS, LOG_SUBJECT_PREFIX, STREAMS, type StreamName } from "../lib/core/dispatch.ts";
import { WeftError } from "../lib/core/error.ts";
import type { AttemptKey } from "../lib/core/ids.ts";

export interface LogMessage {
  readonly key: AttemptKey;
  readonly stream: StreamName;
  readonly offset: number;
  readonly atMs: number;
  readonly data: Uint8Array;
}

/** Log messages in the order of the stream, those stored first, then new ones as they come, until closed. */
export interface LogTail {
  /** Messages that were stored when the tail was opened. */
  readonly stored: number;
  readonly messages: AsyncIterable<LogMessage>;
  close(): Promise<void>;
}

/** Messages asked for ahead: 64 × 128 KiB is what a reader that stalls holds in memory. */
const AHEAD_MESSAGES_MAX = 64;

/** Reads WEFT_LOG by an ordered consumer of its own; it is made again by itself after an outage. */
export async function openLogTail(nats: NatsConnection, subjects: readonly string[]): Promise<LogTail> {
  const consumer = await jetstream(nats)
    .consumers.get(STREAMS.log, { filter_subjects: [...subjects] })
    .catch((cause: unknown) => {
      throw new WeftError("unavailable", "the log stream cannot be read now; try again", { cause });
    });
  const { num_pending: stored } = await consumer.info(true);
  const received = await consumer.consume({ max_messages: AHEAD_MESSAGES_MAX });
  return {
    stored,
    messages: parsed(received),
    close: async () => {
      await received.close();
      // It would go by itself after five minutes; when NATS is away just now, that has to do.
      await consumer.delete().catch(() => false);
    },
  };
}

async function* parsed(messages: AsyncIterable<JsMsg>): AsyncGenerator<LogMessage> {
  for await (const { subject, data, headers } of messages) {
    yield {
      key: subject.slice(LOG_SUBJECT_PREFIX.length + 1) as AttemptKey,
      stream: headers?.get(LOG_HEADERS.stream) === "stderr" ? "stderr" : "stdout",
      offset: Number(headers?.get(LOG_HEADERS.offset) ?? 0),
      atMs: Number(headers?.get(LOG_HEADERS.atMs) ?? 0),
      data,
    };
  }
}
