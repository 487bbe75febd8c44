import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { NatsConnection } from "@nats-io/nats-core";
import type { PipelineSpec } from "../lib/core/pipeline/spec.ts";
import { type GrpcServer, type ServedService, startGrpcServer } from "../lib/grpc.ts";
import type { Log } from "../lib/log.ts";
import type { Metrics } from "../lib/metrics.ts";
import { AgentApi } from "./api/agent-api.ts";
import { ClusterApi } from "./api/cluster-api.ts";
import { OperatorApi } from "./api/operator-api.ts";
import { Forwarder } from "./api/forward.ts";
import { JobApi } from "./api/job-api.ts";
import { JobFinder } from "./api/job-finder.ts";
import { newJobId } from "./api/job-id.ts";
import type { Records, Role } from "./api/parts.ts";
import { Reign } from "./api/reign.ts";
import { NotificationApi } from "./api/notification-api.ts";
import { servicesOf } from "./api/services.ts";
import { SessionApi } from "./api/session-api.ts";
import { TriggerApi } from "./api/trigger-api.ts";
import { TriggerApply } from "./api/trigger-apply.ts";
import { CacheDesk } from "./cache-desk.ts";
import { Bus } from "./bus.ts";
import type { SchedulerConfig } from "./core/index.ts";
import { JobReader } from "./job-reader.ts";
import { Leadership } from "./leadership.ts";
import { openLogTail } from "./log-tail.ts";
import { LoopMetrics } from "./loop-metrics.ts";
import { NotifyDesk } from "./notify/desk.ts";
import { checkNotify, type NotifySettings } from "./notify/settings.ts";
import { openStore, type Recorder, type Store } from "./store.ts";
import { TriggerDesk } from "./trigger/desk.ts";

/** Heartbeats in a row that do not name an attempt before its node is asked: one may have crossed the assignment. */
const SILENT_HEARTBEATS_MAX = 3;
/** Part of the lease that is waited beyond it: clocks that run 10 % apart are broken. */
const SKEW_FRACTION = 0.1;
/** What calls under way are given to end when the server stops. */
const STOP_GRACE_MS = 2_000;

export interface SchedulerSettings {
  readonly host: string;
  /** 0: any free port. */
  readonly grpcPort: number;
  /** HOST:PORT that other servers reach this one's gRPC at; null: host and port as bound. */
  readonly advertise: string | null;
  /** Where agents reach NATS. */
  readonly agentNatsServers: readonly string[];
  /** A node's right to run, renewed by heartbeats. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** How long after the death of a leader another takes over. */
  readonly leaderLeaseMs: number;
  /** How notifications are sent. */
  readonly notify: NotifySettings;
}

export interface SchedulerParts {
  readonly settings: SchedulerSettings;
  readonly databaseUrl: string;
  readonly nats: NatsConnection;
  readonly records: Records;
  /** What else this server answers over gRPC. */
  readonly services: readonly ServedService[];
  /** Write with each batch that starts or ends attempts or jobs, in its transaction. */
  readonly recorders: readonly Recorder[];
  readonly version: string;
  readonly httpPort: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface RunningScheduler {
  readonly grpcPort: number;
  /** No job was ever submitted. */
  readonly fresh: boolean;
  readonly role: () => Role;
  /** Rejects on a bug, after which the process must end: a server that goes on could not be trusted. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/**
 * The scheduler with its gRPC. Stands by while another server leads, and through outages of Postgres and NATS. The
 * database must have this version's schema. Throws `failed_precondition` when the port is taken or NATS cannot give
 * what is needed.
 */
export async function startScheduler(parts: SchedulerParts): Promise<RunningScheduler> {
  const { log, nats } = parts;
  const opened = openStore(parts.databaseUrl, log);
  try {
    const bus = await Bus.open(nats, log);
    return await serve(parts, opened.store, bus, () => opened.close());
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function serve(
  parts: SchedulerParts,
  store: Store,
  bus: Bus,
  closeStore: () => Promise<void>,
): Promise<RunningScheduler> {
  const { settings, log } = parts;
  const jobs = new JobReader(store.database.pool);
  const fresh = (await jobs.listJobs({ states: [], pipeline: "", before: null, limit: 1 })).length === 0;
  const desk = new TriggerDesk({
    pool: store.database.pool,
    bus,
    newJobId: () => newJobId(Date.now()),
    findData: parts.records.findData,
    now: Date.now,
    log,
  });
  const notify = new NotifyDesk({
    pool: store.database.pool,
    settings: settings.notify,
    now: Date.now,
    random: Math.random,
    log,
  });
  const seat = new Seat(settings, desk, notify);
  const forwarder = new Forwarder();
  const server: GrpcServer = await startGrpcServer({
    host: settings.host,
    port: settings.grpcPort,
    portFlag: "--grpc-port",
    services: [
      ...services(parts, jobs, { store, bus, desk, notify }, seat, forwarder, () => advertised(settings, server.port)),
      ...parts.services,
    ],
  });
  const leadership = new Leadership({
    store,
    bus,
    recorders: [...parts.recorders, desk.record, notify.record],
    cache: new CacheDesk({ pool: store.database.pool, records: parts.records, now: Date.now, log }),
    config: schedulerConfig(settings),
    holder: randomUUID(),
    address: advertised(settings, server.port),
    leaseMs: settings.leaderLeaseMs,
    now: Date.now,
    metrics: new LoopMetrics(parts.metrics),
    log,
  });
  seat.take(leadership);
  return {
    grpcPort: server.port,
    fresh,
    role: () => leadership.role(),
    ended: leadership.ended,
    stop: async () => {
      server.setServing(false);
      await leadership.stop();
      seat.leave();
      await Promise.all([desk.stop(), notify.stop()]);
      await server.stop(STOP_GRACE_MS);
      forwarder.close();
      await closeStore();
    },
  };
}

function services(
  parts: SchedulerParts,
  reader: JobReader,
  edges: { readonly store: Store; readonly bus: Bus; readonly desk: TriggerDesk; readonly notify: NotifyDesk },
  seat: Seat,
  forwarder: Forwarder,
  address: () => string,
): ReturnType<typeof servicesOf> {
  const { settings, records, version, nats, log } = parts;
  const httpPort = (): number => parts.httpPort;
  const finder = new JobFinder(reader);
  const { bus, desk, notify } = edges;
  const { pool } = edges.store.database;
  const sendable = (spec: PipelineSpec): void => checkNotify(settings.notify, spec);
  const triggers = { pool, desk, newJobId: () => newJobId(Date.now()), nowMs: Date.now };
  return servicesOf({
    role: () => seat.role(),
    reign: () => seat.reign,
    forwarder,
    finder,
    log,
    jobs: new JobApi({
      jobs: reader,
      finder,
      records,
      checkNotify: sendable,
      openTail: (subjects) => openLogTail(nats, subjects),
      newJobId: () => newJobId(Date.now()),
      nowMs: Date.now,
    }),
    triggers: new TriggerApi(triggers),
    notifications: new NotificationApi({ pool, finder, wake: () => notify.wake() }),
    apply: new TriggerApply({ ...triggers, checkNotify: sendable }),
    operators: new OperatorApi(),
    cluster: new ClusterApi({
      now: Date.now,
      version,
      address,
      httpPort,
      jobs: finder,
      pastAttempts: (keys) => records.pastAttempts(keys),
    }),
    sessions: new SessionApi(finder),
    agents: new AgentApi({
      ensureNode: (node) => bus.ensureNode(node),
      natsServers: settings.agentNatsServers,
      httpPort,
      leaseMs: settings.leaseMs,
    }),
  });
}

/** Whether this server leads, and what it holds while it does. */
class Seat {
  readonly #settings: SchedulerSettings;
  readonly #desk: TriggerDesk;
  readonly #notify: NotifyDesk;
  #leadership: Leadership | undefined;
  reign: Reign | undefined;

  constructor(settings: SchedulerSettings, desk: TriggerDesk, notify: NotifyDesk) {
    this.#settings = settings;
    this.#notify = notify;
    this.#desk = desk;
  }

  role(): Role {
    return this.#leadership?.role() ?? { kind: "follower", term: 0, address: null };
  }

  take(leadership: Leadership): void {
    this.#leadership = leadership;
    leadership.onChange((role) => {
      this.leave();
      if (role.kind !== "leader") return;
      this.reign = new Reign(role.term, role.loop, this.#settings);
      this.#desk.begin(role.loop);
      this.#notify.begin(role.term, role.loop);
    });
  }

  leave(): void {
    this.#desk.end();
    this.#notify.end();
    this.reign?.close();
    this.reign = undefined;
  }
}

function schedulerConfig({ leaseMs }: SchedulerSettings): SchedulerConfig {
  return {
    leaseMs,
    skewMs: Math.ceil(leaseMs * SKEW_FRACTION),
    silentHeartbeatsMax: SILENT_HEARTBEATS_MAX,
    random: Math.random,
  };
}

function advertised({ advertise, host }: SchedulerSettings, port: number): string {
  if (advertise !== null) return advertise;
  const reachable = host === "0.0.0.0" || host === "::" ? hostname() : host;
  return `${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}
