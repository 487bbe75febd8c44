import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import { type Database, isTransient, openDatabase } from "../../lib/db.ts";
import { migrate } from "../../lib/db-migrate.ts";
import { closeHttp, createHttpApp, listenHttp, registerHealth, registerMetrics } from "../../lib/http.ts";
import type { Log } from "../../lib/log.ts";
import { type Metrics, openMetrics } from "../../lib/metrics.ts";
import { connectNats } from "../../lib/nats.ts";
import type { EndedLog, Records, Role } from "../../scheduler/api/parts.ts";
import { newJobId } from "../../scheduler/api/job-id.ts";
import { codeOfJobs } from "../../scheduler/attempt-reader.ts";
import { TRIGGER_HINT_SUBJECT } from "../../scheduler/bus.ts";
import { startScheduler } from "../../scheduler/main.ts";
import type { Recorder } from "../../scheduler/store.ts";
import { hookRoutes } from "../../scheduler/trigger/hooks.ts";
import { artifactRoutes, type ArtifactStore, openArtifactStore } from "../../services/artifacts/index.ts";
import {
  endedLogs,
  lineageParts,
  pastAttempts,
  recordArchived,
  recordEnded,
  recordEndedRanges,
  sourceReadsOf,
} from "../../services/lineage/index.ts";
import { evaluationRoutes, type OpenRegistry, openRegistry, registryService } from "../../services/registry/index.ts";
import { mlflowApi, type Tracking } from "../../services/tracking/index.ts";
import { VERSION } from "../version.ts";
import type { ServerConfig } from "./config.ts";
import { tellModel } from "./news.ts";
import { openEmitter, tellOf } from "./openlineage.ts";
import { findData, recordRoutes } from "./records.ts";
import { endRuns, openTracked } from "./tracking.ts";

/** Between two tries to reach a Postgres that is away when the server starts. */
const POSTGRES_RETRY_MS = 500;
/** What HTTP requests under way are given when the server stops. */
const HTTP_GRACE_MS = 5_000;
/** Ready means that a submit is answered, so that somebody must lead; a server that finds nobody says it is ready all the same after this. */
const LEADER_WAIT_MS = 15_000;
const LEADER_LOOK_MS = 10;

/** Something was started that `stop` ends; the last one started is stopped first. */
export type OnStop = (name: string, stop: () => Promise<void> | void) => void;

export interface RunningServer {
  readonly httpPort: number;
  readonly grpcPort: number;
  /** No job was ever submitted to it. */
  readonly fresh: boolean;
  readonly role: () => Role;
  /** Rejects when the process must end. */
  readonly ended: Promise<void>;
}

/** The control plane: HTTP and gRPC, the scheduler, the services. Each part that is up registers how it is stopped. */
export async function startServer(config: ServerConfig, log: Log, onStop: OnStop): Promise<RunningServer> {
  await mkdir(config.home, { recursive: true });
  const metrics = openMetrics();
  await migrated(config.databaseUrl, log);
  const database = openDatabase(config.databaseUrl, { applicationName: "weft services", log });
  onStop("the services' connections to Postgres", () => database.close());
  const nats = await connectNats({ url: config.natsUrl, name: "weft server", log });
  onStop("the connection to NATS", () => nats.close());
  const artifacts = await openArtifactStore(config.artifacts);
  const { pool } = database;
  const common = { pool, artifacts, nats, now: Date.now, log };
  const tellLeader = (): void => void (nats.isClosed() || nats.publish(TRIGGER_HINT_SUBJECT));
  const registry = openRegistry({
    ...common,
    newId: randomUUID,
    random: Math.random,
    onChange: tellModel,
    told: tellLeader,
  });
  onStop("what tells of changes in the registry", () => registry.stop());
  const tracking = await openTracked({ databaseUrl: config.databaseUrl, pool, artifacts, log, onStop });
  const emitter = config.openLineage && openEmitter(config.openLineage, pool, log);
  onStop("what tells of lineage", () => emitter?.stop());
  const httpPort = await serveHttp({
    config,
    log,
    metrics,
    database,
    nats,
    artifacts,
    tracking,
    registry,
    tellLeader,
    onStop,
  });
  const scheduler = await startScheduler({
    settings: { ...config, agentNatsServers: config.agentNatsUrl.split(",").map((url) => url.trim()) },
    databaseUrl: config.databaseUrl,
    nats,
    services: [registryService(registry)],
    records: recordsOf(database.pool, artifacts),
    recorders: [recordLineage, endRuns(tracking), ...(emitter ? [tellOf(emitter)] : [])],
    version: VERSION,
    httpPort,
    log,
    metrics,
  });
  onStop("the scheduler", () => scheduler.stop());
  await someoneLeads(scheduler.role);
  const { grpcPort, fresh, role, ended } = scheduler;
  return { httpPort, grpcPort, fresh, role, ended };
}

/** Waits for Postgres: it is often started at the same moment. */
async function migrated(url: string, log: Log): Promise<void> {
  for (let told = false; ; told = true) {
    try {
      await migrate(url, { log });
      return;
    } catch (error) {
      if (!isTransient(error)) throw error;
      if (!told) log.warn({ err: error }, "waiting for Postgres");
      await delay(POSTGRES_RETRY_MS);
    }
  }
}

async function serveHttp(parts: {
  readonly config: ServerConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly database: Database;
  readonly nats: NatsConnection;
  readonly artifacts: ArtifactStore;
  readonly tracking: Tracking;
  readonly registry: OpenRegistry;
  /** Something came for triggers. */
  readonly tellLeader: () => void;
  readonly onStop: OnStop;
}): Promise<number> {
  const { config, log, metrics, database, nats, artifacts, tracking, registry, tellLeader } = parts;
  const app = createHttpApp({ logger: log, registry: metrics });
  registerHealth(app, {
    postgres: () => database.pool.query("select 1"),
    nats: () => nats.rtt(),
    artifacts: () => artifacts.check(),
  });
  registerMetrics(app, metrics);
  await app.register(artifactRoutes(artifacts));
  const { pool } = database;
  // MLflow's REST API: one table of routes, to which each service brings its own.
  await app.register(tracking.files);
  await app.register(registry.files);
  await app.register(mlflowApi([...tracking.routes, ...registry.routes]));
  await app.register(tracking.eventFiles);
  await app.register(tracking.samples);
  await app.register(tracking.otlp);
  await app.register(evaluationRoutes(registry));
  await app.register(recordRoutes({ pool, artifacts, lineageNamespace: config.lineageNamespace, tellLeader }));
  await app.register(
    hookRoutes({
      pool,
      newJobId: () => newJobId(Date.now()),
      now: Date.now,
      tellLeader,
    }),
  );
  const port = await listenHttp(app, { host: config.host, port: config.httpPort });
  parts.onStop("HTTP", () => closeHttp(app, HTTP_GRACE_MS));
  return port;
}

const recordLineage: Recorder = async (client, { batch, archived }) => {
  // Both at once, so that they share a round trip; the connection keeps their order.
  await Promise.all([
    recordEnded(client, batch.ended),
    recordEndedRanges(client, batch.endedRanges),
    recordArchived(client, archived),
  ]);
};

function recordsOf(pool: Pool, artifacts: ArtifactStore): Records {
  return {
    lineage: async (job) => lineageParts(pool, job, (await codeOfJobs(pool, [job])).get(job)),
    pastAttempts: (keys) => pastAttempts(pool, keys),
    endedLogs: async (job) =>
      (await endedLogs(pool, job)).map(({ id, lost, archived, log }): EndedLog => {
        const bytes = { stdout: log.stdoutBytes, stderr: log.stderrBytes };
        // Of an attempt that was lost with its node nobody counted the bytes.
        const uncounted = lost && bytes.stdout + bytes.stderr === 0;
        return { key: id, bytes: uncounted ? null : bytes, archive: archived ? log : null };
      }),
    sourceReads: (job) => sourceReadsOf(pool, job),
    findData: (texts) => findData(pool, texts),
    openArtifact: async (digest, start) => {
      const found = await artifacts.stat(digest);
      if (!found) throw new WeftError("not_found", `artifact ${digest} is not in the store`);
      if (start >= found.bytes) return emptyBytes();
      return artifacts.open(digest, { range: { start, end: found.bytes } });
    },
  };
}

async function* emptyBytes(): AsyncGenerator<Uint8Array> {}

async function someoneLeads(role: () => Role): Promise<void> {
  const untilMs = performance.now() + LEADER_WAIT_MS;
  const leaderKnown = (): boolean => {
    const now = role();
    return now.kind === "leader" || now.address !== null;
  };
  while (!leaderKnown() && performance.now() < untilMs) await delay(LEADER_LOOK_MS);
}
