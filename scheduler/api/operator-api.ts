import { WeftError } from "../../lib/core/error.ts";
import { NAME } from "../../lib/core/ids.ts";
import { resourcesToProto } from "../../lib/core/pipeline/resources.ts";
import type { ConfigureRequest__Output } from "../../proto/gen/weft/v1/ConfigureRequest.ts";
import type { DemandResponse } from "../../proto/gen/weft/v1/DemandResponse.ts";
import type { Node as NodeProto } from "../../proto/gen/weft/v1/Node.ts";
import type { Project as ProjectProto } from "../../proto/gen/weft/v1/Project.ts";
import type { ProjectsResponse } from "../../proto/gen/weft/v1/ProjectsResponse.ts";
import type { Quota__Output } from "../../proto/gen/weft/v1/Quota.ts";
import type { SetProjectRequest__Output } from "../../proto/gen/weft/v1/SetProjectRequest.ts";
import {
  demand,
  listNodes,
  listProjects,
  type MaintenanceWindow,
  type NodeSettings,
  type NodeView,
  type ProjectView,
  type Quota,
} from "../core/index.ts";
import { expectDone } from "./answer.ts";
import { findNode, viewOf } from "./node-finder.ts";
import { capacityToProto, nodeToProto } from "./node.ts";
import type { Reign } from "./reign.ts";

/** Of one node, at one time: more are a script that went wrong. */
const MAINTENANCE_WINDOWS_MAX = 100;
const TAINTS_MAX = 32;
/** key, or key=value; as labels are. */
const TAINT = /^[A-Za-z0-9][\w./-]{0,126}(=[\w./-]{0,126})?$/;
const REASON_CHARS_MAX = 500;

/** What operators say of nodes and projects, as the leader takes it. */
export class OperatorApi {
  async configure(request: ConfigureRequest__Output, reign: Reign): Promise<NodeProto> {
    const view = findNode(reign.loop.read(listNodes), request.node);
    const change = changeOf(request, view);
    expectDone(await reign.loop.submit({ kind: "nodeSettingsChanged", node: view.id, change }));
    return nodeToProto(viewOf(reign, view.id), reign.nodes.report(view.id));
  }

  projects(reign: Reign): ProjectsResponse {
    return { projects: reign.loop.read(listProjects).map(projectToProto) };
  }

  async setProject(request: SetProjectRequest__Output, reign: Reign): Promise<ProjectProto> {
    const { name } = request;
    if (!NAME.test(name))
      throw new WeftError("invalid", `"${name}" is no name of a project; a letter, then letters, digits, - and _`);
    const before = reign.loop.read(listProjects).find((project) => project.name === name);
    const weight = request.weight ?? before?.weight ?? 1;
    if (!(Number.isFinite(weight) && weight > 0))
      throw new WeftError("invalid", `the weight of project ${name} is ${weight}; it must be more than 0`);
    const quota = request.quota ? quotaOf(name, request.quota) : (before?.quota ?? NO_QUOTA);
    expectDone(await reign.loop.submit({ kind: "projectChanged", settings: { name, weight, quota } }));
    return projectToProto(reign.loop.read(listProjects).find((project) => project.name === name)!);
  }

  demand(reign: Reign): DemandResponse {
    const classes = reign.loop.read(demand);
    return { classes: classes.map((kind) => ({ ...kind, capacity: capacityToProto(kind.capacity) })) };
  }
}

const NO_QUOTA: Quota = { cpuMillis: null, memoryBytes: null, gpuMillis: null };

function quotaOf(name: string, { cpus, memoryBytes, gpus }: Quota__Output): Quota {
  const limit = (what: string, value: number | undefined, unit: number): number | null => {
    if (value === undefined) return null;
    if (Number.isFinite(value) && value >= 0) return Math.round(value * unit);
    throw new WeftError("invalid", `the quota of project ${name} has ${value} ${what}; 0 or more would be right`);
  };
  return {
    cpuMillis: limit("CPUs", cpus, 1000),
    memoryBytes: limit("bytes of memory", memoryBytes, 1),
    gpuMillis: limit("GPUs", gpus, 1000),
  };
}

function projectToProto({ name, weight, quota, usage, waiting }: ProjectView): ProjectProto {
  return {
    name,
    weight,
    quota: {
      ...(quota.cpuMillis !== null && { cpus: quota.cpuMillis / 1000 }),
      ...(quota.memoryBytes !== null && { memoryBytes: quota.memoryBytes }),
      ...(quota.gpuMillis !== null && { gpus: quota.gpuMillis / 1000 }),
    },
    usage: resourcesToProto({ ...usage, diskBytes: 0, gpu: null }),
    waiting,
  };
}

function changeOf(request: ConfigureRequest__Output, view: NodeView): Partial<NodeSettings> {
  const { taints, pool, addMaintenance, clearMaintenance, quarantine, release } = request;
  const change: { -readonly [K in keyof NodeSettings]?: NodeSettings[K] } = {};
  if (taints) change.taints = checkedTaints(taints.taints);
  if (pool !== undefined) change.pool = checkedPool(pool);
  if (clearMaintenance || addMaintenance.length > 0) {
    const kept = clearMaintenance ? [] : view.settings.maintenance;
    change.maintenance = checkedWindows(view.name, [...kept, ...addMaintenance]);
  }
  if (Object.keys(quarantine).length + release.length > 0) {
    const uuids = new Set(view.capacity.gpus.map(({ uuid }) => uuid));
    const unknown = Object.keys(quarantine).find((uuid) => !uuids.has(uuid));
    if (unknown !== undefined)
      throw new WeftError("not_found", `node ${view.name} has no device ${unknown}; it has ${[...uuids].join(", ")}`);
    const all = Object.entries({ ...view.settings.quarantined, ...quarantine });
    change.quarantined = Object.fromEntries(all.filter(([uuid]) => !release.includes(uuid)));
  }
  return change;
}

function checkedTaints(taints: readonly string[]): readonly string[] {
  const wrong = taints.find((taint) => !TAINT.test(taint));
  if (wrong !== undefined)
    throw new WeftError(
      "invalid",
      `"${wrong}" is no taint; write a key like gpu-only, or a key and a value like team=vision`,
    );
  if (taints.length > TAINTS_MAX)
    throw new WeftError("invalid", `${taints.length} taints are given; a node has at most ${TAINTS_MAX}`);
  return [...new Set(taints)];
}

function checkedPool(pool: string): string {
  if (pool === "" || NAME.test(pool)) return pool;
  throw new WeftError("invalid", `"${pool}" is no name of a pool; a letter, then letters, digits, - and _`);
}

function checkedWindows(node: string, windows: readonly MaintenanceWindow[]): readonly MaintenanceWindow[] {
  for (const { fromMs, toMs, reason } of windows) {
    if (!(Number.isFinite(fromMs) && Number.isFinite(toMs) && fromMs < toMs))
      throw new WeftError(
        "invalid",
        `a maintenance window of ${node} runs from ${fromMs} to ${toMs}; its end must come after its beginning`,
      );
    if (reason.length > REASON_CHARS_MAX)
      throw new WeftError("invalid", `a reason has at most ${REASON_CHARS_MAX} characters, not ${reason.length}`);
  }
  if (windows.length > MAINTENANCE_WINDOWS_MAX)
    throw new WeftError(
      "invalid",
      `${node} would have ${windows.length} maintenance windows; at most ${MAINTENANCE_WINDOWS_MAX} are kept`,
    );
  return windows.toSorted((a, b) => a.fromMs - b.fromMs);
}
