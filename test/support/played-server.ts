import { spreadReports } from "../../lib/core/alike.ts";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { inject } from "vitest";
import {
  type Assignment,
  assignConsumer,
  type AssignMessage,
  assignSubject,
  type EndedReport,
  LOG_HEADERS,
  LOG_SUBJECT_PREFIX,
  logSubject,
  type Report,
  type ReportMessage,
  reportSubject,
  STREAMS,
} from "../../lib/core/dispatch.ts";
import { type AttemptKey, type NodeId } from "../../lib/core/ids.ts";
import { type GrpcServer, startGrpcServer, unary } from "../../lib/grpc.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { connectNats } from "../../lib/nats.ts";
import { weftServices } from "../../proto/channel.ts";
import type { HeartbeatRequest__Output } from "../../proto/gen/weft/v1/HeartbeatRequest.ts";
import type { HeartbeatResponse } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import type { JoinRequest__Output } from "../../proto/gen/weft/v1/JoinRequest.ts";
import type { JoinResponse } from "../../proto/gen/weft/v1/JoinResponse.ts";
import { Bus } from "../../scheduler/bus.ts";
import { artifactRoutes, type FolderArtifactStore, openArtifactStore } from "../../services/artifacts/index.ts";
import { startNats, type TestNats } from "./nats.ts";
import { until } from "./wait.ts";

type HeartbeatCall = ServerDuplexStream<HeartbeatRequest__Output, HeartbeatResponse>;

export interface LogMessage {
  readonly stream: string;
  readonly offset: number;
  readonly data: Buffer;
  readonly atMs: number;
}

/**
 * A server as a node sees it, played by the test: real gRPC, NATS with the scheduler's streams, and the artifact store. It
 * schedules nothing; the test says what is assigned, stopped and asked.
 */
export class PlayedServer {
  readonly nats: TestNats;
  readonly joins: JoinRequest__Output[] = [];
  readonly beats: HeartbeatRequest__Output[] = [];
  /** When each beat came, on the monotonic clock. */
  readonly beatAtMs: number[] = [];
  readonly reports: Report[] = [];
  /** How many reports came in each message. */
  readonly batches: number[] = [];
  store!: FolderArtifactStore;
  leaseMs = 10_000;
  intervalMs = 100;
  /** Beats are heard and not answered. */
  silent = false;
  /** Put into every answer. */
  readonly orders: { stop: { key: string; graceMs: number; reason: string }[]; query: string[] } = {
    stop: [],
    query: [],
  };
  readonly #calls = new Set<HeartbeatCall>();
  #connection!: NatsConnection;
  #bus!: Bus;
  #grpc: GrpcServer | undefined;
  #grpcPort = 0;
  #httpPort = 0;
  readonly #stops: (() => Promise<void> | void)[] = [];

  private constructor(nats: TestNats) {
    this.nats = nats;
  }

  static async start(): Promise<PlayedServer> {
    const server = new PlayedServer(await startNats());
    server.#stops.push(() => server.nats.stop());
    server.#connection = await connectNats({ url: server.nats.url, name: "played server" });
    server.#stops.push(() => server.#connection.close());
    server.#bus = await Bus.open(server.#connection, silentLog());
    const intake = server.#bus.consumeReports(
      (message) => server.#onReports(message),
      () => undefined,
    );
    server.#stops.push(() => intake.stop());
    server.store = await openArtifactStore(mkdtempSync(join(inject("folder"), "store-")));
    const app = createHttpApp({ logger: silentLog() });
    await app.register(artifactRoutes(server.store));
    server.#httpPort = await listenHttp(app, { host: "127.0.0.1", port: 0 });
    server.#stops.push(() => closeHttp(app, 0));
    await server.serve();
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#grpcPort}`;
  }

  /** gRPC, again on the same port. */
  async serve(): Promise<void> {
    this.#grpc = await startGrpcServer({
      host: "127.0.0.1",
      port: this.#grpcPort,
      portFlag: "",
      services: [
        {
          name: "weft.v1.AgentService",
          definition: weftServices().AgentService.service,
          handlers: {
            Join: unary<JoinRequest__Output, JoinResponse>(silentLog(), (request) => this.#onJoin(request)),
            Heartbeat: (call: HeartbeatCall) => this.#onHeartbeats(call),
          },
        },
      ],
    });
    this.#grpcPort = this.#grpc.port;
  }

  async stopServing(): Promise<void> {
    await this.#grpc?.stop(0);
    this.#grpc = undefined;
  }

  async stop(): Promise<void> {
    await this.stopServing();
    for (const stop of this.#stops.toReversed()) await stop();
  }

  async assign(node: NodeId, ...assignments: Assignment[]): Promise<void> {
    const message: AssignMessage = { term: 1, assignments };
    await jetstream(this.#connection).publish(assignSubject(node), JSON.stringify(message));
  }

  /** To every stream at once, unasked. */
  push(answer: HeartbeatResponse): void {
    for (const call of this.#calls)
      call.write({ leaseMs: 0, sequence: 0, heartbeatIntervalMs: this.intervalMs, ...answer });
  }

  ended(key: AttemptKey, limitMs?: number): Promise<EndedReport> {
    return until(() => this.#find(key, "ended"), `${key} ended`, limitMs) as Promise<EndedReport>;
  }

  async reported(key: AttemptKey, kind: Report["kind"], limitMs?: number): Promise<Report> {
    return until(() => this.#find(key, kind), `${key} ${kind}`, limitMs);
  }

  /** All messages of the attempt in WEFT_LOG, as they lie there. */
  async logMessages(key: AttemptKey): Promise<LogMessage[]> {
    const messages: LogMessage[] = [];
    const consumer = await jetstream(this.#connection).consumers.get(STREAMS.log, { filter_subjects: logSubject(key) });
    const { num_pending: count } = await consumer.info();
    if (count === 0) return [];
    for await (const message of await consumer.consume()) {
      messages.push({
        stream: message.headers!.get(LOG_HEADERS.stream),
        offset: Number(message.headers!.get(LOG_HEADERS.offset)),
        atMs: Number(message.headers!.get(LOG_HEADERS.atMs)),
        data: Buffer.from(message.data),
      });
      if (messages.length === count) break;
    }
    return messages;
  }

  /** One stream put together, each byte once; throws at a gap. */
  async log(key: AttemptKey, stream: "stdout" | "stderr" = "stdout"): Promise<string> {
    const parts: Buffer[] = [];
    let length = 0;
    for (const message of (await this.logMessages(key)).filter((one) => one.stream === stream)) {
      if (message.offset > length) throw new Error(`bytes ${length} to ${message.offset} are missing`);
      const fresh = message.data.subarray(length - message.offset);
      parts.push(fresh);
      length += fresh.length;
    }
    return Buffer.concat(parts).toString();
  }

  /** Calls back for each log message as it arrives. */
  onLog(callback: (data: string) => void): void {
    const subscription = this.#connection.subscribe(`${LOG_SUBJECT_PREFIX}.>`, {
      callback: (_, message) => callback(message.string()),
    });
    this.#stops.push(() => subscription.unsubscribe());
  }

  #find(key: AttemptKey, kind: Report["kind"]): Report | undefined {
    return this.reports.find((report) => report.key === key && report.kind === kind);
  }

  async #onJoin(request: JoinRequest__Output): Promise<JoinResponse> {
    const node = request.nodeId as NodeId;
    await this.#bus.ensureNode(node);
    this.joins.push(request);
    return {
      natsServers: [this.nats.url],
      assignStream: STREAMS.assign,
      assignConsumer: assignConsumer(node),
      reportSubject: reportSubject(node),
      logSubjectPrefix: LOG_SUBJECT_PREFIX,
      httpPort: this.#httpPort,
      heartbeatIntervalMs: this.intervalMs,
      leaseMs: this.leaseMs,
      term: 1,
    };
  }

  #onHeartbeats(call: HeartbeatCall): void {
    this.#calls.add(call);
    call.on("data", (beat: HeartbeatRequest__Output) => {
      this.beats.push(beat);
      this.beatAtMs.push(performance.now());
      if (this.silent) return;
      call.write({
        sequence: beat.sequence,
        leaseMs: this.leaseMs,
        heartbeatIntervalMs: this.intervalMs,
        term: 1,
        ...this.orders,
      });
    });
    call.on("error", () => this.#calls.delete(call));
    call.on("end", () => {
      this.#calls.delete(call);
      call.end();
    });
  }

  #onReports(message: ReportMessage): Promise<void> {
    this.batches.push(message.reports.length);
    this.reports.push(...spreadReports(message.reports));
    return Promise.resolve();
  }
}
