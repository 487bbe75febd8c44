import { assignConsumer, LOG_SUBJECT_PREFIX, reportSubject, STREAMS } from "../../lib/core/dispatch.ts";
import { WeftError } from "../../lib/core/error.ts";
import { type AttemptKey, type NodeId, parseAttemptKey } from "../../lib/core/ids.ts";
import type { Sink, StreamContext } from "../../lib/grpc.ts";
import type { HeartbeatRequest__Output } from "../../proto/gen/weft/v1/HeartbeatRequest.ts";
import type { HeartbeatResponse } from "../../proto/gen/weft/v1/HeartbeatResponse.ts";
import type { JoinRequest__Output } from "../../proto/gen/weft/v1/JoinRequest.ts";
import type { JoinResponse } from "../../proto/gen/weft/v1/JoinResponse.ts";
import type { SessionDown } from "../../proto/gen/weft/v1/SessionDown.ts";
import type { SessionUp__Output } from "../../proto/gen/weft/v1/SessionUp.ts";
import type { Capacity } from "../core/index.ts";
import { expectDone } from "./answer.ts";
import { capacityFromProto, stopToProto } from "./node.ts";
import type { NodeStream } from "./node-desk.ts";
import type { Reign } from "./reign.ts";

/** A node id becomes part of subjects and consumer names. */
const NODE_ID = /^[0-9A-Za-z-]{8,64}$/;
/** As a host name may be. */
const NAME_LENGTH_MAX = 253;

export interface AgentApiParts {
  /** Makes the node's queue. */
  ensureNode(node: NodeId): Promise<void>;
  /** Where agents reach NATS. */
  readonly natsServers: readonly string[];
  readonly httpPort: () => number;
  readonly leaseMs: number;
}

/** AgentService, as the leader answers it. */
export class AgentApi {
  readonly #parts: AgentApiParts;

  constructor(parts: AgentApiParts) {
    this.#parts = parts;
  }

  async join(request: JoinRequest__Output, reign: Reign): Promise<JoinResponse> {
    const node = nodeId(request.nodeId);
    const { name, capacity, labels, address } = request;
    if (name === "" || name.length > NAME_LENGTH_MAX) {
      throw new WeftError("invalid", `a node's name has 1 to ${NAME_LENGTH_MAX} characters, not ${name.length}`);
    }
    if (!capacity) throw new WeftError("invalid", `node ${name} joined without saying what it has (capacity)`);
    await reign.nodes.claim(node, request.incarnation, address);
    // First, so that whatever is assigned to the node finds a queue.
    await this.#parts.ensureNode(node);
    const event = {
      kind: "nodeJoined",
      node,
      name,
      labels,
      address,
      capacity: checkedCapacity(name, capacity),
    } as const;
    expectDone(await reign.loop.submit(event));
    reign.nodes.note(node, { capacity, agentVersion: request.agentVersion });
    return {
      natsServers: [...this.#parts.natsServers],
      assignStream: STREAMS.assign,
      assignConsumer: assignConsumer(node),
      reportSubject: reportSubject(node),
      logSubjectPrefix: LOG_SUBJECT_PREFIX,
      httpPort: this.#parts.httpPort(),
      heartbeatIntervalMs: reign.nodes.intervalMs(),
      leaseMs: this.#parts.leaseMs,
      term: reign.term,
      era: eraOf(node, reign),
    };
  }

  async heartbeat(
    requests: AsyncIterable<HeartbeatRequest__Output>,
    sink: Sink<HeartbeatResponse>,
    context: StreamContext,
    reign: Reign,
  ): Promise<void> {
    let stream: NodeStream | undefined;
    let node: NodeId | undefined;
    try {
      for await (const request of requests) {
        node ??= nodeId(request.nodeId);
        if (request.nodeId !== node)
          throw new WeftError("invalid", `a stream is one node's: ${node}, not ${request.nodeId}`);
        stream ??= reign.nodes.open(node, request.incarnation, sink, context);
        reign.nodes.heard(node);
        const response = await onHeartbeat(node, request, reign);
        await stream.send(response);
      }
    } finally {
      stream?.close();
    }
  }
}

/** The node has dialled in for a session that was asked of it. */
export async function onSession(
  requests: AsyncIterable<SessionUp__Output>,
  sink: Sink<SessionDown>,
  context: StreamContext,
  reign: Reign,
): Promise<void> {
  const messages = requests[Symbol.asyncIterator]();
  const first = await messages.next();
  const hello = first.done ? undefined : first.value.hello;
  if (!hello) throw new WeftError("invalid", "a session's stream begins with hello");
  await reign.sessions.join(hello.session, nodeId(hello.nodeId), { messages, sink, context });
}

async function onHeartbeat(node: NodeId, request: HeartbeatRequest__Output, reign: Reign): Promise<HeartbeatResponse> {
  const capacity = changedCapacity(node, request, reign);
  // Before it is committed: the next heartbeat may be here by then, and is held against this one.
  if (capacity && request.capacity) reign.nodes.note(node, { capacity: request.capacity });
  const active = request.active
    .map(({ key }) => key)
    .filter((key): key is AttemptKey => parseAttemptKey(key) !== undefined);
  const answer = await reign.loop.submit({ kind: "nodeHeard", node, capacity, active, leaving: request.leaving });
  if (answer.kind !== "heard") throw new Error(`a heartbeat was answered with ${answer.kind}`);
  if (!answer.rejoin) {
    const { usage } = request;
    reign.nodes.note(node, { ...(request.capacity && { capacity: request.capacity }), ...(usage && { usage }) });
  }
  return {
    ...reign.nodes.answer(request.sequence),
    stop: answer.stop.map(stopToProto),
    query: [...answer.query],
    open: [...reign.sessions.pendingOf(node)],
    rejoin: answer.rejoin,
    era: eraOf(node, reign),
  };
}

/** Of now: it may have begun after the event that is answered, and then is the more right. */
function eraOf(node: NodeId, reign: Reign): number {
  return reign.loop.read((state) => state.nodes.get(node)?.era ?? 0);
}

/** Null when the scheduler knows it already: a change of capacity is written to the store. */
function changedCapacity(node: NodeId, { capacity }: HeartbeatRequest__Output, reign: Reign): Capacity | null {
  if (!capacity) return null;
  const now = checkedCapacity(node, capacity);
  const before = reign.nodes.report(node)?.capacity;
  return before && JSON.stringify(capacityFromProto(before)) === JSON.stringify(now) ? null : now;
}

function checkedCapacity(who: string, proto: Parameters<typeof capacityFromProto>[0]): Capacity {
  const capacity = capacityFromProto(proto);
  for (const [what, value] of [
    ["cpus", capacity.cpuMillis],
    ["memory_bytes", capacity.memoryBytes],
    ["disk_bytes", capacity.diskBytes],
  ] as const) {
    if (Number.isFinite(value) && value >= 0) continue;
    throw new WeftError("invalid", `node ${who} says that its ${what} is ${value}; it must be 0 or more`);
  }
  return capacity;
}

function nodeId(text: string): NodeId {
  if (NODE_ID.test(text)) return text as NodeId;
  throw new WeftError("invalid", `"${text}" is no node id; it has 8 to 64 of 0-9, a-z, A-Z and "-", like a UUID`);
}
