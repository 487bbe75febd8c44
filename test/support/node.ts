import { randomUUID } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/nats-core";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import {
  type Assignment,
  type AssignMessage,
  LOG_HEADERS,
  logSubject,
  type Outcome,
  type Report,
  reportSubject,
  type StreamName,
} from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type NodeId } from "../../lib/core/ids.ts";
import type { Peer } from "../../lib/grpc.ts";
import type { HeartbeatRequest } from "../../proto/gen/weft/v1/HeartbeatRequest.ts";
import type { HeartbeatResponse__Output } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import type { JoinResponse__Output } from "../../proto/gen/weft/v1/JoinResponse.ts";
import { endedReport } from "./build.ts";
import { AGENTS } from "./server.ts";
import { until } from "./wait.ts";

/** A node as the server sees it, played by the test over real gRPC and NATS: it runs nothing, and reports what it is told to. */
export class PlayedNode {
  readonly id = randomUUID() as NodeId;
  readonly name: string;
  readonly cpus: number;
  readonly active = new Set<AttemptKey>();
  readonly answers: HeartbeatResponse__Output[] = [];
  readonly assigned: Assignment[] = [];
  joined: JoinResponse__Output | undefined;
  streamError: Error | undefined;
  readonly #peer: Peer;
  readonly #nats: NatsConnection;
  #stream: ClientDuplexStream<HeartbeatRequest, HeartbeatResponse__Output> | undefined;
  #sequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopReading: (() => void) | undefined;

  constructor(peer: Peer, nats: NatsConnection, name: string, cpus = 4) {
    this.#peer = peer;
    this.#nats = nats;
    this.name = name;
    this.cpus = cpus;
  }

  capacity() {
    return {
      cpus: this.cpus,
      memoryBytes: 8 * 2 ** 30,
      diskBytes: 2 ** 40,
      gpus: [],
      os: "linux",
      arch: "x64",
      cpuModel: "played",
      hostname: this.name,
    };
  }

  async join(): Promise<JoinResponse__Output> {
    const request = {
      nodeId: this.id,
      name: this.name,
      capacity: this.capacity(),
      labels: { zone: "a" },
      agentVersion: "test",
    };
    this.joined = await this.#peer.unary(AGENTS.Join, request);
    return this.joined;
  }

  /** Joins, beats and takes assignments until stopped. */
  async start(): Promise<void> {
    await this.join();
    await this.open();
    this.#timer = setInterval(() => this.beat(), this.joined!.heartbeatIntervalMs);
    await this.#readAssignments();
  }

  async open(): Promise<void> {
    const stream = await this.#peer.duplexStream(AGENTS.Heartbeat);
    this.#stream = stream;
    stream.on("data", (answer: HeartbeatResponse__Output) => this.answers.push(answer));
    stream.on("error", (error: Error) => (this.streamError = error));
    this.beat();
  }

  beat(parts: Partial<HeartbeatRequest> = {}): void {
    this.#sequence += 1;
    this.#stream?.write({
      nodeId: this.id,
      sequence: this.#sequence,
      ...(this.#sequence === 1 && { capacity: this.capacity() }),
      usage: { cpuFraction: 0.5, gpus: [] },
      active: [...this.active].map((key) => ({ key, phase: "running" })),
      ...parts,
    });
  }

  async report(...reports: Report[]): Promise<void> {
    await jetstream(this.#nats).publish(reportSubject(this.id), JSON.stringify({ node: this.id, reports }));
  }

  async started(key: AttemptKey): Promise<void> {
    this.active.add(key);
    await this.report({ kind: "started", key, atMs: Date.now() });
  }

  async ended(key: AttemptKey, outcome: Outcome, parts: Parameters<typeof endedReport>[2] = {}): Promise<void> {
    this.active.delete(key);
    const nowMs = Date.now();
    await this.report(endedReport(key, outcome, { startedAtMs: nowMs, endedAtMs: nowMs, ...parts }));
  }

  async log(key: AttemptKey, stream: StreamName, offset: number, data: string | Uint8Array): Promise<void> {
    const head = headers();
    head.set(LOG_HEADERS.stream, stream);
    head.set(LOG_HEADERS.offset, String(offset));
    head.set(LOG_HEADERS.atMs, String(Date.now()));
    const msgID = `${key}.${stream}.${offset}`;
    await jetstream(this.#nats).publish(logSubject(key), data, { headers: head, msgID });
  }

  /** Goes down in order: nothing is assigned to it any more. */
  async leave(): Promise<void> {
    this.beat({ leaving: true });
    const sequence = this.#sequence;
    const answered = () => this.streamError ?? this.answers.some((answer) => answer.sequence === sequence);
    await until(answered, `${this.name} is told good-bye`);
    this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#stopReading?.();
    this.#stream?.cancel();
  }

  async #readAssignments(): Promise<void> {
    const consumer = await jetstream(this.#nats).consumers.get(this.joined!.assignStream, this.joined!.assignConsumer);
    const messages = await consumer.consume();
    this.#stopReading = () => messages.stop();
    void (async () => {
      for await (const message of messages) {
        for (const assignment of message.json<AssignMessage>().assignments) {
          this.assigned.push(assignment);
          this.active.add(attemptKey(assignment.ref));
        }
        message.ack();
      }
    })();
  }
}
