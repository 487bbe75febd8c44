import type { EndedRangeReport } from "../../lib/core/dispatch.ts";
import type { EndedAttempt } from "../../lib/core/execution.ts";
import type { NodeId } from "../../lib/core/ids.ts";
import type { CacheRow } from "./cache.ts";
import type { StopOrder } from "./event.ts";
import type { RateLog } from "./rate.ts";
import type { Project } from "./share.ts";
import type { Instance, Job, JobTask, Node, Range } from "./state.ts";

/** Tasks that ended together (see bundle.ts). */
export interface EndedBundle {
  readonly node: { readonly id: NodeId; readonly name: string };
  /** At least one. */
  readonly instances: readonly Instance[];
  /** Element i: the place of instance i in the lists of the report. */
  readonly places: readonly number[];
  readonly report: EndedRangeReport;
  readonly atMs: number;
}

/** What has changed since the last drain. */
export interface Outbox {
  readonly jobsNew: Set<Job>;
  readonly jobs: Set<Job>;
  readonly instances: Set<Instance>;
  /** Tasks whose list became known. */
  readonly maps: Set<JobTask>;
  readonly ended: EndedAttempt[];
  readonly nodes: Set<Node>;
  readonly projects: Set<Project>;
  readonly rates: Set<RateLog>;
  readonly cached: CacheRow[];
  readonly assigned: Set<Instance>;
  /** Newly given to nodes. */
  readonly ranges: Set<Range>;
  /** `range`: just those that have ended. */
  readonly rangesEnded: { readonly range: Range; readonly report: EndedRangeReport; readonly atMs: number }[];
  readonly bundlesEnded: EndedBundle[];
  readonly stops: { node: NodeId; order: StopOrder }[];
}

export function newOutbox(): Outbox {
  return {
    jobsNew: new Set(),
    jobs: new Set(),
    instances: new Set(),
    maps: new Set(),
    ended: [],
    nodes: new Set(),
    projects: new Set(),
    rates: new Set(),
    cached: [],
    assigned: new Set(),
    ranges: new Set(),
    rangesEnded: [],
    bundlesEnded: [],
    stops: [],
  };
}
