import { WeftError } from "../../lib/core/error.ts";
import type { NodeId } from "../../lib/core/ids.ts";
import { LIMITS } from "../../lib/core/pipeline/limits.ts";
import type { LabelRule, PipelineSpec, Placement } from "../../lib/core/pipeline/spec.ts";
import type { RerunRequest__Output } from "../../proto/gen/weft/v1/RerunRequest.ts";
import { NODE_LABEL, type NodeView } from "../core/index.ts";
import { findNode } from "./node-finder.ts";
import type { WholeJob } from "./parts.ts";

/** Where a job that is run again is to run. */
export interface RerunPlace {
  readonly rule: LabelRule;
  /** Of the node that was named: whoever names it means it, whatever keeps others from it. */
  readonly settings: { readonly pool: string; readonly taints: readonly string[] } | null;
  /** After "rerun of JOB". */
  readonly says: string;
}

/** Null: the request does not say. Errors: `invalid`, `not_found`, `failed_precondition` when the node takes no work. */
export function readPlace(
  { node, elsewhere, failedOnly }: RerunRequest__Output,
  earlier: WholeJob,
  views: readonly NodeView[],
): RerunPlace | null {
  if (node === "" && !elsewhere) return null;
  if (failedOnly)
    throw new WeftError("invalid", "a retry goes on where there is room; only a rerun can be told on which node");
  if (elsewhere) {
    if (node !== "")
      throw new WeftError("invalid", `node ${node} and any other node are asked for; keep one of the two`);
    return otherPlace(earlier, views);
  }
  const view = findNode(views, node);
  if (view.state !== "ready")
    throw new WeftError(
      "failed_precondition",
      `node ${view.name} is ${view.state} and takes no new work; ${view.state === "lost" ? "start its agent" : `weft uncordon ${view.name}`}, or name another`,
    );
  const { pool, taints } = view.settings;
  return {
    rule: { key: NODE_LABEL, values: [view.id], refused: false },
    settings: { pool, taints },
    says: `on ${view.name}`,
  };
}

function otherPlace({ row, tasks }: WholeJob, views: readonly NodeView[]): RerunPlace | null {
  const ran = [...new Set(tasks.flatMap(({ node }) => (node === null ? [] : [node])))];
  if (ran.length === 0) return null;
  const others = views.filter((view) => view.state === "ready" && !ran.includes(view.id));
  if (others.length === 0)
    throw new WeftError(
      "failed_precondition",
      `job ${row.id} ran on ${namesOf(ran, views)}, and no other node takes work; start an agent on one`,
    );
  if (ran.length > LIMITS.labelValues)
    throw new WeftError("invalid", `job ${row.id} ran on ${ran.length} nodes; name the one that it is to run on`);
  return { rule: { key: NODE_LABEL, values: ran, refused: true }, settings: null, says: "elsewhere" };
}

function namesOf(ids: readonly NodeId[], views: readonly NodeView[]): string {
  const known = new Map(views.map(({ id, name }) => [id, name]));
  return ids.map((id) => known.get(id) ?? id).join(", ");
}

/** All tasks with the rule, instead of any about nodes that they have. */
export function placed(spec: PipelineSpec, place: RerunPlace | null): PipelineSpec {
  if (place === null) return spec;
  return { ...spec, tasks: spec.tasks.map((task) => ({ ...task, placement: withRule(task.placement, place) })) };
}

function withRule(placement: Placement | null, { rule, settings }: RerunPlace): Placement {
  const labels = [...(placement?.labels ?? []).filter(({ key }) => key !== NODE_LABEL), rule];
  const { tolerations = [], pool = "" } = placement ?? {};
  if (settings === null) return { labels, tolerations, pool };
  return { labels, tolerations: [...new Set([...tolerations, ...settings.taints])], pool: settings.pool };
}
