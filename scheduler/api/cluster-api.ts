import { WeftError } from "../../lib/core/error.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import { instanceCount } from "../../lib/core/pipeline/spec.ts";
import type { ExplainRequest__Output } from "../../proto/gen/weft/v1/ExplainRequest.ts";
import type { ExplainResponse } from "../../proto/gen/weft/v1/ExplainResponse.ts";
import type { InfoResponse } from "../../proto/gen/weft/v1/InfoResponse.ts";
import type { Node as NodeProto } from "../../proto/gen/weft/v1/Node.ts";
import type { NodeRequest__Output } from "../../proto/gen/weft/v1/NodeRequest.ts";
import type { NodesResponse } from "../../proto/gen/weft/v1/NodesResponse.ts";
import type { QueueResponse } from "../../proto/gen/weft/v1/QueueResponse.ts";
import { explain, listNodes, listQueue, type NodeView } from "../core/index.ts";
import { expectDone } from "./answer.ts";
import { nodeToProto, resourcesToProto } from "./node.ts";
import type { Role } from "./parts.ts";
import type { Reign } from "./reign.ts";
import type { JobFinder } from "./job-finder.ts";

export interface ClusterApiParts {
  readonly version: string;
  /** HOST:PORT under which other machines reach this server's gRPC. */
  readonly address: () => string;
  readonly httpPort: () => number;
  readonly jobs: JobFinder;
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

  queue(reign: Reign): QueueResponse {
    const classes = reign.loop.read(listQueue);
    return { classes: classes.map((view) => ({ ...view, resources: resourcesToProto(view.resources) })) };
  }

  async explain(request: ExplainRequest__Output, reign: Reign): Promise<ExplainResponse> {
    const id = await this.#parts.jobs.resolve(request.jobId);
    const { task, index } = request;
    const found = reign.loop.read((state, nowMs) => explain(state, id, task, index, nowMs));
    if (!found) return this.#explainEnded(id, task, index);
    return {
      state: found.state,
      sinceMs: found.sinceMs,
      reasons: found.reasons.map((reason) => ({ ...reason, nodesFailing: { ...reason.nodesFailing } })),
    };
  }

  cordon(request: NodeRequest__Output, reign: Reign): Promise<NodeProto> {
    return onNode("nodeCordoned", request, reign);
  }

  drain(request: NodeRequest__Output, reign: Reign): Promise<NodeProto> {
    return onNode("nodeDrained", request, reign);
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
    const count = instanceCount(spec);
    if (index >= count)
      throw new WeftError("not_found", `${task} has ${count} instances, from 0; there is no ${index}`);
    const row = job.tasks.find((candidate) => candidate.task === task && candidate.index === index);
    const state = row?.state ?? (job.progress.state === "cancelled" ? "cancelled" : "skipped");
    const said = [row?.reason, row?.message].filter((text) => text !== undefined && text !== "").join(": ");
    const message = said === "" ? `the task is ${state}; the job is ${job.progress.state}` : said;
    const sinceMs = row?.finishedAtMs ?? job.progress.finishedAtMs ?? 0;
    return { state, sinceMs, reasons: [{ kind: "done", message, nodesFailing: {} }] };
  }
}

async function onNode(
  kind: "nodeCordoned" | "nodeDrained" | "nodeUncordoned",
  request: NodeRequest__Output,
  reign: Reign,
): Promise<NodeProto> {
  const node = findNode(reign.loop.read(listNodes), request.node).id;
  expectDone(await reign.loop.submit({ kind, node, reason: request.reason }));
  return nodeToProto(viewOf(reign, node), reign.nodes.report(node));
}

function viewOf(reign: Reign, node: NodeId): NodeView {
  const view = reign.loop.read(listNodes).find((candidate) => candidate.id === node);
  if (!view) throw new Error(`node ${node} is gone although it was just changed`);
  return view;
}

/** By id, or by name when one node has it. */
function findNode(views: readonly NodeView[], text: string): NodeView {
  const byId = views.find((view) => view.id === text);
  if (byId) return byId;
  const named = views.filter((view) => view.name === text);
  if (named.length === 1) return named[0]!;
  if (named.length > 1) {
    const ids = named.map((view) => view.id).join(", ");
    throw new WeftError("invalid", `${named.length} nodes are named "${text}"; give the id of one: ${ids}`);
  }
  const names = views.map((view) => view.name);
  const known = names.length === 0 ? "; no node has joined yet" : hint(text, names);
  throw new WeftError("not_found", `there is no node "${text}"${known}`);
}
