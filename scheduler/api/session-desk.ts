import { randomUUID } from "node:crypto";
import { WeftError } from "../../lib/core/error.ts";
import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import type { Sink, StreamContext } from "../../lib/grpc.ts";
import type { OpenSession } from "../../proto/gen/weft/v1/OpenSession.ts";
import type { SessionDown } from "../../proto/gen/weft/v1/SessionDown.ts";
import type { SessionUp__Output } from "../../proto/gen/weft/v1/SessionUp.ts";
import type { NodeDesk } from "./node-desk.ts";

/** Within which a node must dial in once it was asked: two round trips, or a heartbeat that repeats the asking. */
const DIAL_MS_MAX = 10_000;
/** Each holds two streams and their windows, some 200 KiB when nobody reads: 400 MiB in all at the worst. */
const SESSIONS_MAX = 2_000;
/** A browser opens six connections to a page, some open dozens; more than this on one machine is a loop. */
const SESSIONS_PER_NODE_MAX = 500;

/** The node's side of a session. */
export interface NodeEnd {
  readonly messages: AsyncIterator<SessionUp__Output>;
  readonly sink: Sink<SessionDown>;
  readonly context: StreamContext;
}

interface Session {
  readonly id: string;
  readonly node: NodeId;
  readonly key: AttemptKey;
  /** Called once, when the node has dialled in. */
  readonly onJoined: (end: NodeEnd) => void;
  readonly fail: (error: WeftError) => void;
  joined: boolean;
  /** What the node's call waits for. */
  readonly ended: Promise<void>;
}

/** Sessions of this reign: callers that wait for a node to dial in, and those that are joined. */
export class SessionDesk {
  readonly #nodes: NodeDesk;
  readonly #sessions = new Map<string, Session>();

  constructor(nodes: NodeDesk) {
    this.#nodes = nodes;
  }

  /**
   * Has the node dial in, and lets `work` use its side; whatever ends `work` ends the session. Errors: `unavailable` when
   * the node does not come, `too_large` when there are too many, those of `work`.
   */
  async hold(node: NodeId, key: AttemptKey, signal: AbortSignal, work: (end: NodeEnd) => Promise<void>): Promise<void> {
    const onNode = [...this.#sessions.values()].filter((each) => each.node === node).length;
    if (this.#sessions.size >= SESSIONS_MAX || onNode >= SESSIONS_PER_NODE_MAX) {
      const what = onNode >= SESSIONS_PER_NODE_MAX ? `${onNode} on this node` : `${this.#sessions.size} in all`;
      throw new WeftError("too_large", `there are too many sessions (${what}); close some, or try again later`);
    }
    let over: () => void = () => {};
    const ended = new Promise<void>((resolve) => (over = resolve));
    let id = "";
    let end: NodeEnd | undefined;
    try {
      end = await new Promise<NodeEnd>((resolve, reject) => {
        id = this.#ask(node, key, signal, ended, resolve, reject);
      });
      await work(end);
    } catch (error) {
      // It must not take the end of its stream for the end of what was asked of it.
      end?.context.fail(error instanceof WeftError ? error : new WeftError("unavailable", "the session broke off"));
      throw error;
    } finally {
      this.#sessions.delete(id);
      over();
    }
  }

  /** The call of a node that has dialled in; settles when the session is over. Errors: `not_found`. */
  async join(id: string, node: NodeId, end: NodeEnd): Promise<void> {
    const session = this.#sessions.get(id);
    // It was given up, or another server's; or a second dial, after a first that the node believes lost.
    if (!session || session.node !== node || session.joined)
      throw new WeftError("not_found", `nobody waits for session ${id} of node ${node}`);
    session.joined = true;
    session.onJoined(end);
    await session.ended;
  }

  /** Those that the node has not dialled in for; told with each heartbeat. */
  pendingOf(node: NodeId): OpenSession[] {
    const pending: OpenSession[] = [];
    for (const each of this.#sessions.values())
      if (each.node === node && !each.joined) pending.push({ session: each.id, key: each.key });
    return pending;
  }

  close(reason: WeftError): void {
    for (const session of this.#sessions.values()) session.fail(reason);
  }

  #ask(
    node: NodeId,
    key: AttemptKey,
    signal: AbortSignal,
    ended: Promise<void>,
    resolve: (end: NodeEnd) => void,
    reject: (error: WeftError) => void,
  ): string {
    const id = randomUUID();
    const timer = setTimeout(() => fail(new WeftError("unavailable", NOT_DIALLED)), DIAL_MS_MAX);
    let joined: NodeEnd | undefined;
    const fail = (error: WeftError): void => {
      clearTimeout(timer);
      joined?.context.fail(error);
      reject(error);
    };
    const gone = (): void => fail(new WeftError("unavailable", "the caller has gone"));
    signal.addEventListener("abort", gone, { once: true });
    void ended.then(() => {
      clearTimeout(timer);
      signal.removeEventListener("abort", gone);
    });
    const onJoined = (end: NodeEnd): void => {
      clearTimeout(timer);
      joined = end;
      resolve(end);
    };
    this.#sessions.set(id, { id, node, key, onJoined, fail, joined: false, ended });
    this.#nodes.openSessions(node, () => this.pendingOf(node));
    return id;
  }
}

const NOT_DIALLED = `the node did not answer in ${DIAL_MS_MAX / 1000} s; \`weft nodes\` shows whether it is heard`;
