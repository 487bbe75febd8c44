import { WeftError } from "../../lib/core/error.ts";
import type { NodeId } from "../../lib/core/ids.ts";
import type { StreamContext, Sink } from "../../lib/grpc.ts";
import type { OpenSession } from "../../proto/gen/weft/v1/OpenSession.ts";
import type { HeartbeatResponse } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import type { Batch } from "../core/index.ts";
import { type NodeReport, stopToProto } from "./node.ts";

/** Heartbeats of all nodes together, a second: one costs the leader about 50 µs, so this is a quarter of a percent. */
const HEARTBEATS_PER_SECOND_MAX = 50;
/** So that nodes that joined together do not stay in step. */
const JITTER_FRACTION = 0.1;
/** A node must be able to miss two heartbeats and still renew. */
const HEARTBEATS_PER_LEASE_MIN = 3;

export interface HeartbeatTimes {
  readonly leaseMs: number;
  /** Of a small cluster. */
  readonly heartbeatMs: number;
}

type Sign = "heard" | "gone" | "silent";

/** The nodes that talk to this leader: what they last said, and the stream that each can be reached on. */
export class NodeDesk {
  readonly #times: HeartbeatTimes;
  readonly #term: number;
  readonly #reports = new Map<NodeId, NodeReport>();
  readonly #streams = new Map<NodeId, NodeStream>();
  /** Who wants to know what the node's stream does next. */
  readonly #waiting = new Map<NodeId, Set<(sign: Sign) => void>>();

  constructor(term: number, times: HeartbeatTimes) {
    this.#term = term;
    this.#times = times;
  }

  report(node: NodeId): NodeReport | undefined {
    return this.#reports.get(node);
  }

  /** Keeps what was known of what the node did not say this time. */
  note(node: NodeId, said: Partial<NodeReport>): void {
    const known = this.#reports.get(node) ?? { capacity: null, usage: null, agentVersion: "" };
    this.#reports.set(node, { ...known, ...said });
  }

  /** A node has one stream: the newest wins, since the older one may be half of a broken connection. */
  open(node: NodeId, incarnation: string, sink: Sink<HeartbeatResponse>, context: StreamContext): NodeStream {
    const older = this.#streams.get(node);
    const stream = new NodeStream(incarnation, sink, context, () => {
      if (this.#streams.get(node) === stream) this.#streams.delete(node);
      for (const wake of this.#waiting.get(node) ?? []) wake("gone");
    });
    this.#streams.set(node, stream);
    const message = `node ${node} opened another heartbeat stream; if two agents share this node id, give each its own folder`;
    older?.fail(new WeftError("conflict", message));
    return stream;
  }

  /**
   * Before an agent joins: another process with its node id may be alive, from a folder that was copied. Such a one goes on beating;
   * one that was killed has lost its connection by then, or is silent. Errors: `conflict`, when it is heard.
   */
  async claim(node: NodeId, incarnation: string, address: string): Promise<void> {
    const stream = this.#streams.get(node);
    if (incarnation === "" || !stream || stream.incarnation === "" || stream.incarnation === incarnation) return;
    // Twice: the last word of one that was killed may still lie here.
    for (let beats = 0; beats < 2; beats += 1) if ((await this.#next(node, 2 * this.intervalMs())) !== "heard") return;
    throw new WeftError(
      "conflict",
      `node id ${node} is in use by another agent that is alive; if the folder of this one (${address}) was copied from there, delete its node.json`,
    );
  }

  /** A heartbeat of the node's stream came. */
  heard(node: NodeId): void {
    for (const wake of this.#waiting.get(node) ?? []) wake("heard");
  }

  #next(node: NodeId, limitMs: number): Promise<Sign> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(node) ?? new Set();
      this.#waiting.set(node, waiting);
      const wake = (sign: Sign): void => {
        clearTimeout(timer);
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(node);
        resolve(sign);
      };
      const timer = setTimeout(() => wake("silent"), limitMs);
      waiting.add(wake);
    });
  }

  /** Stop orders go to their nodes at once; the answer to the next heartbeat repeats them. */
  onBatch({ stop }: Batch): void {
    if (stop.length === 0) return;
    const byNode = groupByNode(stop);
    for (const [node, orders] of byNode) {
      const response = { ...this.answer(0), stop: orders.map(({ order }) => stopToProto(order)) };
      this.#streams.get(node)?.sendUnasked(response);
    }
  }

  /** Asks the node at once to dial in; false: it is not connected, and its next heartbeat must tell it. */
  openSessions(node: NodeId, pending: () => readonly OpenSession[]): boolean {
    const stream = this.#streams.get(node);
    stream?.announce(() => ({ ...this.answer(0), open: [...pending()] }));
    return stream !== undefined;
  }

  /** The part of a response that is the same for all nodes. */
  answer(sequence: number): HeartbeatResponse {
    return { sequence, leaseMs: this.#times.leaseMs, heartbeatIntervalMs: this.intervalMs(), term: this.#term };
  }

  /** Time to a node's next heartbeat: grows with the cluster, never beyond what the lease allows. */
  intervalMs(): number {
    const { leaseMs, heartbeatMs } = this.#times;
    const scaled = Math.max(heartbeatMs, (this.#streams.size / HEARTBEATS_PER_SECOND_MAX) * 1000);
    const jittered = scaled * (1 + JITTER_FRACTION * (2 * Math.random() - 1));
    return Math.round(Math.min(jittered, leaseMs / HEARTBEATS_PER_LEASE_MIN));
  }

  close(reason: WeftError): void {
    for (const stream of this.#streams.values()) stream.fail(reason);
  }
}

export class NodeStream {
  /** Of the process at its other end; empty: it does not say. */
  readonly incarnation: string;
  readonly #sink: Sink<HeartbeatResponse>;
  readonly #context: StreamContext;
  readonly #onClosed: () => void;
  #sending = false;
  #announcement: (() => HeartbeatResponse) | undefined;

  constructor(incarnation: string, sink: Sink<HeartbeatResponse>, context: StreamContext, onClosed: () => void) {
    this.incarnation = incarnation;
    this.#sink = sink;
    this.#context = context;
    this.#onClosed = onClosed;
  }

  send(response: HeartbeatResponse): Promise<void> {
    return this.#sink.write(response);
  }

  /** Left out while the node does not take the last one: it is told again with its next heartbeat. */
  sendUnasked(response: HeartbeatResponse): void {
    if (this.#sending) return;
    this.#sending = true;
    void this.#sink
      .write(response)
      .catch(() => undefined) // The node has gone, and its stream is being closed.
      .finally(() => {
        this.#sending = false;
        const next = this.#announcement;
        this.#announcement = undefined;
        if (next) this.sendUnasked(next());
      });
  }

  /** Never left out: what it makes is sent as soon as the node has taken the last one. */
  announce(make: () => HeartbeatResponse): void {
    if (this.#sending) this.#announcement = make;
    else this.sendUnasked(make());
  }

  fail(error: WeftError): void {
    this.#context.fail(error);
    this.close();
  }

  close(): void {
    this.#onClosed();
  }
}

function groupByNode(stop: Batch["stop"]): Map<NodeId, Batch["stop"][number][]> {
  const byNode = new Map<NodeId, Batch["stop"][number][]>();
  for (const entry of stop) byNode.set(entry.node, [...(byNode.get(entry.node) ?? []), entry]);
  return byNode;
}
