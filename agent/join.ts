import { describeError } from "../lib/core/error.ts";
import { fromServiceError, type Peer, type PeerMethod } from "../lib/grpc.ts";
import type { Log } from "../lib/log.ts";
import { weftServices } from "../proto/channel.ts";
import type { JoinRequest } from "../proto/gen/weft/v1/JoinRequest.ts";
import type { JoinResponse__Output } from "../proto/gen/weft/v1/JoinResponse.ts";
import { backoffMs } from "./core/backoff.ts";
import { pause } from "./pause.ts";

const RETRY_MS_FIRST = 200;
const RETRY_MS_MOST = 3_000;

export interface Joined {
  readonly answer: JoinResponse__Output;
  /** When the join that was answered was sent, on the monotonic clock: the lease counts from there. */
  readonly sentAtMs: number;
}

/** Asks until the server lets the node in, and says once that it waits. Errors: `conflict` when another agent is this node; else only when `signal` is aborted. */
export async function join(options: {
  readonly peer: Peer;
  readonly request: () => JoinRequest;
  readonly signal: AbortSignal;
  readonly log: Log;
}): Promise<Joined> {
  const { peer, signal, log } = options;
  const method = weftServices().AgentService.service.Join as PeerMethod<JoinRequest, JoinResponse__Output>;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const sentAtMs = performance.now();
    try {
      const answer = await peer.unary(method, options.request(), { signal });
      if (attempt > 1) log.info({ server: peer.address }, "the server answers");
      return { answer, sentAtMs };
    } catch (error) {
      signal.throwIfAborted();
      // Another agent is this node: no patience helps, and two that are one would run each other's work.
      const known = fromServiceError(error, "join the cluster");
      if (known.code === "conflict") throw known;
      if (attempt === 1) log.warn({ server: peer.address, reason: describeError(error) }, "waiting for the server");
      await pause(backoffMs(attempt, RETRY_MS_FIRST, RETRY_MS_MOST, Math.random()), signal);
    }
  }
}
