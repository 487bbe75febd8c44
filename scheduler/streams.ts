import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { nanos } from "@nats-io/nats-core";
import {
  assignConsumer,
  assignSubject,
  EVENT_CONSUMER,
  LOG_SUBJECT_PREFIX,
  REPORT_CONSUMER,
  reportSubject,
  STREAMS,
} from "../lib/core/dispatch.ts";
import type { NodeId } from "../lib/core/ids.ts";
import { EVENT_PREFIX } from "../lib/core/pipeline/trigger.ts";
import type { WantedConsumer, WantedStream } from "../lib/nats.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const MIB = 2 ** 20;

/** How long a message id is remembered. Only spares work: attempts are the fence. Kept short because ids are in the server's memory. */
const DUPLICATE_WINDOW_MS = 2 * MINUTE_MS;
/** Assignments wait for nodes that are away; over this nothing more is taken and publishing is tried again. */
const ASSIGN_BYTES_MAX = 512 * MIB;
/** Reports wait here while no server runs: some 500,000 ended attempts. Nodes keep what does not fit in their journals. */
const REPORT_BYTES_MAX = 512 * MIB;
/** Live logs; the oldest go first, and readers are told of the gap. Whole logs are in the artifact store when an attempt has ended. */
const LOG_BYTES_MAX = 2048 * MIB;
const LOG_AGE_MAX_MS = 7 * DAY_MS;
/** Events for triggers, while no server runs; the oldest go first. They stay for others to read, too. */
const EVENT_BYTES_MAX = 256 * MIB;
const EVENT_AGE_MAX_MS = 7 * DAY_MS;

/** A node acknowledges within milliseconds, when an assignment is in its journal; what was not, is sent again after this. */
const ACK_WAIT_MS = 30_000;
/** Messages a node may hold without having written them to its journal. */
const ASSIGN_UNACKED_MAX = 256;
/** A node that is away for longer joins anew, and what was sent to it has been given to others long before. */
const NODE_INACTIVE_MS = 7 * DAY_MS;
/** Messages that wait for the next commits. */
const REPORT_UNACKED_MAX = 2_000;

export function streamConfigs(replicas: number): WantedStream[] {
  const common = {
    storage: StorageType.File,
    num_replicas: replicas,
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
  };
  return [
    {
      ...common,
      name: STREAMS.assign,
      subjects: [assignSubject("*" as NodeId)],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: ASSIGN_BYTES_MAX,
    },
    {
      ...common,
      name: STREAMS.report,
      subjects: [reportSubject("*" as NodeId)],
      retention: RetentionPolicy.Workqueue,
      discard: DiscardPolicy.New,
      max_bytes: REPORT_BYTES_MAX,
    },
    {
      ...common,
      name: STREAMS.log,
      subjects: [`${LOG_SUBJECT_PREFIX}.>`],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: LOG_BYTES_MAX,
      max_age: nanos(LOG_AGE_MAX_MS),
    },
    {
      ...common,
      name: STREAMS.event,
      subjects: [`${EVENT_PREFIX}.>`],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      max_bytes: EVENT_BYTES_MAX,
      max_age: nanos(EVENT_AGE_MAX_MS),
    },
  ];
}

export function nodeConsumer(node: NodeId): WantedConsumer {
  return {
    durable_name: assignConsumer(node),
    filter_subject: assignSubject(node),
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: ASSIGN_UNACKED_MAX,
    inactive_threshold: nanos(NODE_INACTIVE_MS),
  };
}

export const REPORTS: WantedConsumer = {
  durable_name: REPORT_CONSUMER,
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: REPORT_UNACKED_MAX,
};

/** From the first message that is kept: what was taken before is known by its key. */
export const EVENTS: WantedConsumer = {
  durable_name: EVENT_CONSUMER,
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: REPORT_UNACKED_MAX,
};
