import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import os from "node:os";
import path, { resolve } from "node:path";
import { type ArtifactClient, createArtifactClient } from "../lib/artifacts.ts";
import { createEventFileClient, type EventFileClient } from "../lib/event-files.ts";
import { WeftError } from "../lib/core/error.ts";
import type { NodeId } from "../lib/core/ids.ts";
import { Peer } from "../lib/grpc.ts";
import type { Log } from "../lib/log.ts";
import { createSampleClient, type SampleClient } from "../lib/samples.ts";
import type { JoinRequest } from "../proto/gen/weft/v1/JoinRequest.ts";
import { findContainerEngine, type WorkerCapacity, type WorkerOptions } from "../worker/index.ts";
import { Assignments } from "./assignments.ts";
import { Attempts } from "./attempts.ts";
import { Bus } from "./bus.ts";
import type { NodeCapacity } from "./core/heartbeat.ts";
import { writePaceMs } from "./core/pace.ts";
import { GpuProbe, type GpuProbeOptions } from "./gpu/probe.ts";
import { Heartbeats } from "./heartbeat.ts";
import { nodeIdentity } from "./identity.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import { join, type Joined } from "./join.ts";
import { type Journal, openJournal } from "./journal.ts";
import { type Lock, takeLock } from "./lock.ts";
import { Orders } from "./orders.ts";
import type { Publish } from "./reports.ts";
import { Sessions } from "./sessions.ts";

/** A connection that has held this long has brought what was waiting for the node, in milliseconds. */
const CAUGHT_UP_MS = 3_000;
/** Where the store is looked for until the server has said it. */
const HTTP_PORT_DEFAULT = 8080;
const SYSTEM_METRICS_MS = 10_000;

export interface AgentOptions {
  /** host:port of the server's gRPC. */
  readonly server: string;
  /** The agent's folder: identity, journal, attempts, cache. Made when it is not there. */
  readonly dir: string;
  /** Default: the machine's host name. */
  readonly name?: string;
  /** Instead of what the machine has. */
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Instead of the address the server names. */
  readonly natsUrl?: string;
  readonly version: string;
  readonly log: Log;
  /** Where other nodes reach this one; its host name when not given. */
  readonly address?: string | undefined;
  /** Between two samples of what tasks use, in milliseconds; 0: none are taken. Default: 10 s, as MLflow's client does. */
  readonly systemMetricsMs?: number;
  /** How GPUs are looked at; default: every 15 s, with this process' environment. */
  readonly gpus?: Pick<GpuProbeOptions, "lookMs" | "emptyMs" | "deadlineMs" | "env" | "kernelLog">;
  /** Default: the built one of this package. */
  readonly runnerProgram?: string;
  /** Aborted: a start that still waits for the server is given up. */
  readonly signal?: AbortSignal;
}

export interface Agent {
  readonly node: NodeId;
  /** `stopTasks`: ends what runs, as "node-stopped". Else it runs on and the next agent in this folder takes it up. */
  stop(options: { readonly stopTasks: boolean }): Promise<void>;
}

/** Fulfilled when the server has let the node in. Errors: `conflict` (folder in use), `corrupt`, `unavailable` (folder not writable). */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const agent = new RunningAgent({ ...options, dir: resolve(options.dir) });
  try {
    await agent.start();
    return agent;
  } catch (error) {
    await agent.stop({ stopTasks: false });
    throw error;
  }
}

/** The parts, in the order in which they are made; whatever is there is taken down in the order of `#down`. */
class RunningAgent implements Agent {
  readonly #incarnation = randomUUID();
  readonly #options: AgentOptions;
  readonly #signal: AbortSignal;
  #node: NodeId | undefined;
  #lock: Lock | undefined;
  #journal: Journal | undefined;
  #gpus: GpuProbe | undefined;
  #inventory: Inventory | undefined;
  #artifacts: ArtifactClient | undefined;
  #eventFiles: EventFileClient | undefined;
  #samples: SampleClient | undefined;
  #attempts: Attempts | undefined;
  #peer: Peer | undefined;
  #sessions: Sessions | undefined;
  #heartbeats: Heartbeats | undefined;
  #bus: Bus | undefined;
  #assignments: Assignments | undefined;
  /** What the operator said, and what was found on the machine. */
  #labels: Readonly<Record<string, string>> = {};
  #httpPort = HTTP_PORT_DEFAULT;
  #stopping: Promise<void> | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
  }

  get node(): NodeId {
    return this.#node!;
  }

  async start(): Promise<void> {
    const { dir, log, server } = this.#options;
    await mkdir(dir, { recursive: true });
    this.#lock = await takeLock(path.join(dir, "agent.lock"));
    this.#node = await nodeIdentity(dir);
    const journal = await openJournal(path.join(dir, "journal.jsonl"), {
      log,
      nowMs: Date.now,
      paceMs: () => writePaceMs(this.#attempts?.queued ?? 0),
    });
    this.#journal = journal;
    const [inventory, containers] = await Promise.all([this.#takeInventory(journal), findContainerEngine()]);
    this.#labels = { ...containers.labels, ...this.#options.labels };

    const host = server.slice(0, server.lastIndexOf(":"));
    const serverUrl = (): string => `http://${host}:${this.#httpPort}`;
    const artifacts = createArtifactClient({ baseUrl: serverUrl });
    this.#artifacts = artifacts;
    const eventFiles = createEventFileClient({ baseUrl: serverUrl });
    this.#eventFiles = eventFiles;
    const publish: Publish = async (...message) => {
      if (!this.#bus) throw new WeftError("unavailable", "the node has not joined yet");
      await this.#bus.publish(...message);
    };
    const capacity = (): WorkerCapacity => workerCapacity(inventory.capacity());
    const { runnerProgram } = this.#options;
    const attempts = new Attempts({
      node: this.#node,
      dir,
      journal,
      artifacts,
      eventFiles,
      systemMetrics: this.#systemMetrics(inventory, serverUrl),
      publish,
      capacity,
      log,
      ...(runnerProgram === undefined ? {} : { runnerProgram }),
      engine: containers.engine,
      devices: this.#gpus!,
      serverUrl,
    });
    this.#attempts = attempts;
    await attempts.open();
    // Not before: what runs here since before would be taken for foreign.
    this.#gpus!.watch(() => attempts.worker.devicesInUse());

    const peer = new Peer(server);
    this.#peer = peer;
    const joined = await this.#join(peer, inventory);
    log.info({ node: this.#node, server }, "joined");
    this.#heartbeats = this.#beat(peer, inventory, attempts, journal, joined);
    attempts.onEra(joined.answer.era);
    this.#bus = new Bus({
      url: this.#options.natsUrl ?? joined.answer.natsServers.join(","),
      name: `agent ${this.#node}`,
      log,
      onConnected: (connection) => {
        if (this.#stopping) return;
        this.#assignments = new Assignments({
          connection,
          stream: joined.answer.assignStream,
          consumer: joined.answer.assignConsumer,
          journal,
          mayStart: () => this.#heartbeats!.leased && journal.trouble === undefined && !this.#stopping,
          start: (assignment) => attempts.start(assignment),
          log,
        });
      },
    });
  }

  stop(how: { readonly stopTasks: boolean }): Promise<void> {
    this.#stopping ??= this.#down(how.stopTasks);
    return this.#stopping;
  }

  async #takeInventory(journal: Journal): Promise<Inventory> {
    const { log } = this.#options;
    const gpus = new GpuProbe({ ...this.#options.gpus, log, onChange: () => this.#heartbeats?.beat() });
    this.#gpus = gpus;
    await gpus.start();
    this.#inventory = await takeInventory({ ...this.#options, gpus, problem: () => journal.trouble });
    return this.#inventory;
  }

  async #join(peer: Peer, inventory: Inventory): Promise<Joined> {
    const request = (): JoinRequest =>
      joinRequest(this.node, this.#incarnation, { ...this.#options, labels: this.#labels }, inventory.capacity());
    const joined = await join({ peer, signal: this.#signal, log: this.#options.log, request });
    if (joined.answer.httpPort > 0) this.#httpPort = joined.answer.httpPort;
    return joined;
  }

  #systemMetrics(inventory: Inventory, baseUrl: () => string): WorkerOptions["systemMetrics"] {
    const everyMs = this.#options.systemMetricsMs ?? SYSTEM_METRICS_MS;
    if (everyMs === 0) return undefined;
    const client = createSampleClient({ baseUrl });
    this.#samples = client;
    return { client, everyMs, machineTags: () => machineTags(inventory.capacity()) };
  }

  #beat(peer: Peer, inventory: Inventory, attempts: Attempts, journal: Journal, joined: Joined): Heartbeats {
    const { log } = this.#options;
    const { worker, reports } = attempts;
    const caughtUp = (): boolean => (this.#bus?.connectedMs ?? 0) > CAUGHT_UP_MS;
    const sessions = new Sessions({ peer, node: this.node, worker, log });
    this.#sessions = sessions;
    const orders = new Orders({ worker, journal, reports, caughtUp, log });
    const { leaseMs, heartbeatIntervalMs } = joined.answer;
    return new Heartbeats(
      {
        peer,
        log,
        state: () => ({
          node: this.node,
          incarnation: this.#incarnation,
          capacity: inventory.capacity(),
          usage: inventory.usage(),
          active: worker.active(),
          // It wants no work: it is going down, or could not write down what it is given.
          leaving: this.#stopping !== undefined || journal.trouble !== undefined,
        }),
        onLease: (remainingMs, marginMs) => worker.renewLease(remainingMs, marginMs),
        onLeaseEnding: (remainingMs) => {
          log.error(
            { attempts: worker.active().length },
            "the lease ends without renewal: what runs here is stopped, to run elsewhere",
          );
          attempts.stopAll(remainingMs);
        },
        onAnswer: (answer) => {
          attempts.onEra(answer.era);
          orders.follow(answer);
          // An answer that was sent unasked does not know yet what is here.
          if (answer.sequence > 0) attempts.admit();
          sessions.follow(answer.open);
        },
        rejoin: async () => attempts.onEra((await this.#join(peer, inventory)).answer.era),
      },
      { sentAtMs: joined.sentAtMs, leaseMs, intervalMs: heartbeatIntervalMs },
    );
  }

  /** Attempts first: while they end, heartbeats keep the lease and the bus takes their reports. */
  async #down(stopTasks: boolean): Promise<void> {
    // Not before `#stopping` is set: the beat says that the node is leaving.
    await Promise.resolve();
    this.#heartbeats?.beat();
    const steps = [
      () => this.#assignments?.stop(),
      () => this.#sessions?.stop(),
      () => this.#attempts?.close(stopTasks),
      () => this.#heartbeats?.stop(),
      () => this.#bus?.close(),
      () => this.#peer?.close(),
      () => this.#artifacts?.close(),
      () => this.#eventFiles?.close(),
      () => this.#samples?.close(),
      () => this.#inventory?.close(),
      () => this.#gpus?.close(),
      () => this.#journal?.close(),
      () => this.#lock?.release(),
    ];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        this.#options.log.error({ err: error }, "a step of the stop failed");
      }
    }
  }
}

function workerCapacity({ cpus, memoryBytes, gpus }: NodeCapacity): WorkerCapacity {
  return { cpuMillis: Math.round(cpus * 1_000), memoryBytes, gpuUuids: gpus.map(({ uuid }) => uuid) };
}

/** Tags of runs. */
function machineTags({ cpus, memoryBytes, os: system, cpuModel }: NodeCapacity): Record<string, string> {
  return {
    "weft.node.cpus": String(cpus),
    "weft.node.memoryBytes": String(memoryBytes),
    "weft.node.os": system,
    "weft.node.cpuModel": cpuModel,
  };
}

function joinRequest(node: NodeId, incarnation: string, options: AgentOptions, capacity: NodeCapacity): JoinRequest {
  return {
    nodeId: node,
    incarnation,
    name: options.name ?? os.hostname(),
    capacity: { ...capacity, gpus: [...capacity.gpus] },
    labels: { ...options.labels },
    agentVersion: options.version,
    token: "",
    address: options.address ?? os.hostname(),
  };
}
