import { WeftError } from "../../lib/core/error.ts";
import { WatchHub } from "../watch.ts";
import { type HeartbeatTimes, NodeDesk } from "./node-desk.ts";
import type { Loop } from "./parts.ts";
import { SessionDesk } from "./session-desk.ts";

/** What the API holds while this server leads, from the take-over to the end of the term. */
export class Reign {
  readonly term: number;
  readonly loop: Loop;
  readonly watches = new WatchHub();
  readonly nodes: NodeDesk;
  readonly sessions: SessionDesk;
  readonly #unsubscribe: () => void;

  constructor(term: number, loop: Loop, times: HeartbeatTimes) {
    this.term = term;
    this.loop = loop;
    this.nodes = new NodeDesk(term, times);
    this.sessions = new SessionDesk(this.nodes);
    this.#unsubscribe = loop.onBatch((batch) => {
      this.watches.onBatch(batch);
      this.nodes.onBatch(batch);
    });
  }

  /** Ends the streams of nodes, watchers and sessions; they come again and find the new leader. */
  close(): void {
    this.#unsubscribe();
    this.watches.close();
    this.sessions.close(leaderMoved());
    this.nodes.close(leaderMoved());
  }
}

export function leaderMoved(): WeftError {
  return new WeftError("unavailable", "this server does not lead any more; ask again");
}
