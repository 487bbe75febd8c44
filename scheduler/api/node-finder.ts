import { WeftError } from "../../lib/core/error.ts";
import type { NodeId } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import { listNodes, type NodeView } from "../core/index.ts";
import type { Reign } from "./reign.ts";

export function viewOf(reign: Reign, node: NodeId): NodeView {
  const view = reign.loop.read(listNodes).find((candidate) => candidate.id === node);
  if (!view) throw new Error(`node ${node} is gone although it was just changed`);
  return view;
}

/** By id, or by name when one node has it. */
export function findNode(views: readonly NodeView[], text: string): NodeView {
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
