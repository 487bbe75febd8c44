import type { LineageEvent } from "./core/event.ts";
import { PRODUCER } from "./core/own.ts";
import type { OwnWork } from "./own-work.ts";
import { decodeRunUuid } from "./run-id.ts";

/**
 * Which events tell of this cluster's own attempts and jobs, as when it is told to send its events to itself: they are in the graph already, and would be in it
 * twice. Those of another cluster are not.
 */
export function ownEvents(work: Pick<OwnWork, "jobs">): (events: readonly LineageEvent[]) => Promise<boolean[]> {
  return async (events) => {
    const decoded = events.map(({ producer, run }) =>
      producer === PRODUCER && run !== null ? (decodeRunUuid(run.id)?.jobs ?? []) : [],
    );
    const known = new Set((await work.jobs([...new Set(decoded.flat())])).map(({ id }) => id));
    return decoded.map((ids) => ids.some((id) => known.has(id)));
  };
}
