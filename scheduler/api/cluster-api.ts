import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { DrainRequest__Output } from "../../proto/gen/weft/v1/DrainRequest.ts";
import type { ExplainRequest__Output } from "../../proto/gen/weft/v1/ExplainRequest.ts";
import type { ExplainResponse } from "../../proto/gen/weft/v1/ExplainResponse.ts";
import type { ExplainPast } from "../../proto/gen/weft/v1/ExplainPast.ts";
import type { InfoResponse } from "../../proto/gen/weft/v1/InfoResponse.ts";
import type { Node as NodeProto } from "../../proto/gen/weft/v1/Node.ts";
import type { NodeRequest__Output } from "../../proto/gen/weft/v1/NodeRequest.ts";
import type { NodesResponse } from "../../proto/gen/weft/v1/NodesResponse.ts";
import type { QueueRequest__Output } from "../../proto/gen/weft/v1/QueueRequest.ts";
import type { QueueResponse } from "../../proto/gen/weft/v1/QueueResponse.ts";
import {
  attemptKeys,
  attemptKeysOf,
  explain,
  historyOf,
  historyOfEnded,
  historySinceMs,
  listGates,
  listNodes,
  listQueue,
  type Past,
} from "../core/index.ts";
import { expectDone } from "./answer.ts";
import { resourcesToProto } from "../../lib/core/pipeline/resources.ts";
import { findNode, viewOf } from "./node-finder.ts";
import { nodeToProto } from "./node.ts";
import { knownInstances } from "../shape.ts";
import type { Records, Role } from "./parts.ts";
import type { Reign } from "./reign.ts";
import type { JobFinder } from "./job-finder.ts";

/** 30 days: longer is no drain, but a cordon. */
const DRAIN_MS_MAX = 30 * 86_400_000;

export interface ClusterApiParts {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly version: string;
  /** HOST:PORT under which other machines reach this server's gRPC. */
  readonly address: () => string;
  readonly httpPort: () => number;
  readonly jobs: JobFinder;
  readonly pastAttempts: Records["pastAttempts"];
}

/** ClusterService; all but Info as the leader answers it. */
export class ClusterApi {
  readonly #parts: ClusterApiParts;

  constructor(parts: ClusterApiParts) {
    this.#parts = parts;
  }

  info(role: Role): InfoResponse {
    const leads = role.kind === "leader";
    return {
      version: this.#parts.version,
      httpPort: this.#parts.httpPort(),
      leader: leads,
      term: role.term,
      leaderAddress: leads ? this.#parts.address() : (role.address ?? ""),
      staleReports: leads ? role.loop.staleReports : 0,
    };
  }

  nodes(reign: Reign): NodesResponse {
    return { nodes: reign.loop.read(listNodes).map((view) => nodeToProto(view, reign.nodes.report(view.id))) };
  }

  queue({ running }: QueueRequest__Output, reign: Reign): QueueResponse {
    const classes = reign.loop.read((state, nowMs) => listQueue(state, nowMs, { running }));
    const gates = reign.loop.read(listGates);
    return { classes: classes.map((view) => ({ ...view, resources: resourcesToProto(view.resources) })), gates };
  }

  async explain(request: ExplainRequest__Output, reign: Reign): Promise<ExplainResponse> {
    const id = await this.#parts.jobs.resolve(request.jobId);
    const { task, index } = request;
    const attempts = await this.#parts.pastAttempts(reign.loop.read((state) => attemptKeysOf(state, id, task, index)));
    const found = reign.loop.read((state, nowMs) => explain(state, id, task, index, nowMs));
    if (!found) return this.#explainEnded(id, task, index);
    const history = reign.loop.read((state) => historyOf(state, id, task, index, attempts)) ?? [];
    return {
      state: found.state,
      sinceMs: found.sinceMs,
      reasons: found.reasons.map((reason) => ({ ...reason, nodesFailing: { ...reason.nodesFailing } })),
      history: history.map(pastToProto),
      historySinceMs: reign.loop.read(historySinceMs) ?? 0,
    };
  }

  cordon(request: NodeRequest__Output, reign: Reign): Promise<NodeProto> {
    return onNode("nodeCordoned", request, reign);
  }

  async drain(request: DrainRequest__Output, reign: Reign): Promise<NodeProto> {
    const { deadlineMs } = request;
    if (deadlineMs === 0) return onNode("nodeDrained", request, reign);
    if (deadlineMs > DRAIN_MS_MAX)
      throw new WeftError("invalid", `a drain waits at most ${DRAIN_MS_MAX / 3_600_000} hours, not ${deadlineMs} ms`);
    const node = findNode(reign.loop.read(listNodes), request.node).id;
    const change = { drainAtMs: this.#parts.now() + deadlineMs };
    expectDone(await reign.loop.submit({ kind: "nodeSettingsChanged", node, change }));
    return nodeToProto(viewOf(reign, node), reign.nodes.report(node));
  }

  uncordon(request: NodeRequest__Output, reign: Reign): Promise<NodeProto> {
    return onNode("nodeUncordoned", request, reign);
  }

  /** A job that has ended is not in the leader's memory any more. */
  async #explainEnded(id: JobId, task: string, index: number): Promise<ExplainResponse> {
    const job = await this.#parts.jobs.get(id);
    const spec = job.row.spec.tasks.find((candidate) => candidate.name === task);
    if (!spec) {
      const names = job.row.spec.tasks.map((candidate) => candidate.name);
      throw new WeftError("not_found", `job ${id} has no task "${task}"${hint(task, names)}`);
    }
    const count = knownInstances(spec, job.maps);
    if (index >= count)
      throw new WeftError("not_found", `${task} has ${count} instances, from 0; there is no ${index}`);
    const row = job.tasks.find((candidate) => candidate.task === task && candidate.index === index);
    const state = row?.state ?? (job.progress.state === "cancelled" ? "cancelled" : "skipped");
    const said = [row?.reason, row?.message].filter((text) => text !== undefined && text !== "").join(": ");
    const message = said === "" ? `the task is ${state}; the job is ${job.progress.state}` : said;
    const sinceMs = row?.finishedAtMs ?? job.progress.finishedAtMs ?? 0;
    const cache = row?.cache ? [{ kind: "cache", message: row.cache.why, nodesFailing: {} }] : [];
    const keys = attemptKeys({ job: id, task, index, attempt: row?.attempt ?? 0 });
    const history = historyOfEnded(job.row.submittedAtMs, await this.#parts.pastAttempts(keys));
    const reasons = [{ kind: "done", message, nodesFailing: {} }, ...cache];
    return { state, sinceMs, reasons, history: history.map(pastToProto), historySinceMs: 0 };
  }
}

function pastToProto(entry: Past): ExplainPast {
  return { ...entry, nodesFailing: { ...entry.nodesFailing } };
}

async function onNode(
  kind: "nodeCordoned" | "nodeDrained" | "nodeUncordoned",
  request: Pick<NodeRequest__Output, "node" | "reason">,
  reign: Reign,
): Promise<NodeProto> {
  const node = findNode(reign.loop.read(listNodes), request.node).id;
  expectDone(await reign.loop.submit({ kind, node, reason: request.reason }));
  return nodeToProto(viewOf(reign, node), reign.nodes.report(node));
}
