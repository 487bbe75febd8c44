import { randomUUID } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { BUSY_PACE_MS } from "../agent/core/pace.ts";
import { Heartbeats } from "../agent/heartbeat.ts";
import { join, type Joined } from "../agent/join.ts";
import { openReports, type Publish, type Reports } from "../agent/reports.ts";
import { expandAssignment } from "../lib/core/alike.ts";
import type { AssignMessage, EndedReport } from "../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type NodeId } from "../lib/core/ids.ts";
import { Peer } from "../lib/grpc.ts";
import { type Log, openLog } from "../lib/log.ts";
import { connectNats } from "../lib/nats.ts";

/**
 * A node whose processes take no time: it joins, heartbeats, takes assignments and reports as the agent does, with the
 * agent's own messages and batching, but starts nothing and keeps no journal.
 */
export interface AnsweringAgent {
  stop(): Promise<void>;
}

export async function startAnsweringAgent(options: {
  readonly server: string;
  readonly cpus: number;
}): Promise<AnsweringAgent> {
  const node = randomUUID() as string as NodeId;
  const log = openLog({ name: "answering-agent", level: "warn" });
  const active = new Set<AttemptKey>();
  const peer = new Peer(options.server);
  const { answer, heartbeats } = await enter({ node, peer, log, cpus: options.cpus, active });
  const connection = await connectNats({ url: answer.natsServers.join(","), name: `answering-agent ${node}`, log });
  const stream = jetstream(connection);
  const publish: Publish = async (subject, payload, { id, timeoutMs }) => {
    await stream.publish(subject, payload, { msgID: id, timeout: timeoutMs });
  };
  const onTaken = (taken: readonly { key: AttemptKey }[]): void => taken.forEach(({ key }) => active.delete(key));
  const reports = openReports({
    node,
    subject: answer.reportSubject,
    publish,
    paceMs: () => BUSY_PACE_MS,
    onTaken,
    log,
  });
  const consumer = await stream.consumers.get(answer.assignStream, answer.assignConsumer);
  const messages = await consumer.consume();
  const reading = (async () => {
    for await (const message of messages) {
      const { assignments } = message.json<AssignMessage>();
      message.ack();
      for (const { ref } of assignments.flatMap(expandAssignment)) {
        active.add(attemptKey(ref));
        reportAll(reports, attemptKey(ref));
      }
    }
  })();
  return {
    stop: async () => {
      messages.stop();
      await reading;
      reports.close();
      await heartbeats.stop();
      await connection.close();
      peer.close();
    },
  };
}

/** Joins, and keeps the lease. */
export async function enter(parts: {
  readonly node: NodeId;
  readonly peer: Peer;
  readonly log: Log;
  readonly cpus: number;
  readonly active: ReadonlySet<AttemptKey>;
  /** An answer came to a beat. */
  readonly onAnswer?: () => void;
}): Promise<{ answer: Joined["answer"]; heartbeats: Heartbeats }> {
  const { node, peer, log, active } = parts;
  const capacity = {
    cpus: parts.cpus,
    memoryBytes: 2 ** 40,
    diskBytes: 2 ** 40,
    gpus: [],
    os: "linux",
    arch: "x64",
    cpuModel: "none",
    hostname: "none",
  };
  const request = () => ({
    nodeId: node,
    name: `answering-${node.slice(0, 8)}`,
    capacity: { ...capacity },
    labels: {},
    agentVersion: "bench",
    token: "",
  });
  const askIn = () => join({ peer, request, signal: new AbortController().signal, log });
  const { answer, sentAtMs } = await askIn();
  const heartbeats = new Heartbeats(
    {
      peer,
      log,
      state: () => ({
        node,
        capacity,
        usage: { gpus: [], problems: [] },
        active: [...active].map((key) => ({ key, phase: "running" })),
        incarnation: "one",
        leaving: false,
      }),
      onLease: () => {},
      onLeaseEnding: () => log.error("the lease ends"),
      onAnswer: parts.onAnswer ?? (() => {}),
      rejoin: async () => void (await askIn()),
    },
    { sentAtMs, leaseMs: answer.leaseMs, intervalMs: answer.heartbeatIntervalMs },
  );
  return { answer, heartbeats };
}

function reportAll(reports: Reports, key: AttemptKey): void {
  const nowMs = Date.now();
  reports.add({ kind: "started", key, atMs: nowMs });
  reports.add(endedAt(key, nowMs));
}

function endedAt(key: AttemptKey, nowMs: number): EndedReport {
  return {
    kind: "ended",
    key,
    outcome: { kind: "succeeded" },
    message: "",
    startedAtMs: nowMs,
    endedAtMs: nowMs,
    exitCode: 0,
    signal: null,
    usage: { cpuMs: 0, peakMemoryBytes: 0, source: "none" },
    outputs: [],
    environmentDigest: null,
    logBytes: { stdout: 0, stderr: 0 },
  };
}
