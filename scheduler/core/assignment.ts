import type {
  AssignedInput,
  AssignedSource,
  Assignment,
  CheckpointOrder,
  GangPlace,
  OutputRef,
  EndedRangeReport,
} from "../../lib/core/dispatch.ts";
import {
  renderTask,
  renderAlike,
  type RenderContext,
  renderRuns,
  sourceFileName,
} from "../../lib/core/pipeline/render.ts";
import { isMapped, type Run, type TaskSpec, mapValues } from "../../lib/core/pipeline/spec.ts";
import type { EndedRange } from "../../lib/core/execution.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import { variableName } from "../../lib/core/pipeline/template.ts";
import { memoryShare } from "./device.ts";
import { mentionsResults } from "./expression.ts";
import { resultsFor } from "./flow.ts";
import { addressesFor } from "./service.ts";
import { type Active, type Instance, type JobTask, newActive, NO_GPUS, type Range } from "./state.ts";

type Attempted = Pick<Instance, "task" | "index" | "attempt" | "checkpoint">;

/** The message that starts the instance's current attempt; the same each time it is made. */
export function makeAssignment(instance: Attempted, active: Active): Assignment {
  const { task, index, attempt } = instance;
  const { job, spec } = task;
  const { run, env } = renderTask(contextOf(task, index, attempt));
  return {
    ref: { job: job.id, task: spec.name, index, attempt },
    era: active.node.era,
    pipeline: job.spec.name,
    ...(job.spec.project === "default" ? {} : { project: job.spec.project }),
    run,
    env: { ...env, ...serviceVariables(task, active) },
    code: job.code?.digest ?? null,
    files: spec.files,
    inputs: inputsOf(task),
    ...sourcesOf(spec),
    outputs: Object.entries(spec.outputs).map(([name, path]) => ({ name, path })),
    resources: active.asked,
    gpuUuids: active.gpuUuids,
    gpuMemoryBytes: gpuMemory(active),
    gang: gangPlace(instance, active),
    checkpoint: spec.checkpoint ? checkpointOrder(spec, instance.checkpoint) : null,
    timeoutMs: spec.timeoutMs,
    stopGraceMs: spec.stopGraceMs,
    priority: job.priority,
    environment: spec.environment,
    ...(spec.service ? { service: spec.service } : {}),
    ...(spec.keepOutputs ? { keepOutputs: true as const } : {}),
  };
}

function checkpointOrder(spec: TaskSpec, kept: Instance["checkpoint"]): CheckpointOrder {
  const from = kept && { digest: kept.digest, kind: kept.kind, bytes: kept.bytes };
  return spec.checkpointEveryMs === undefined ? { from } : { from, everyMs: spec.checkpointEveryMs };
}

/** What the instance's attempt runs. */
export function renderedRun({ task, index, attempt }: Attempted): Run {
  return renderTask(contextOf(task, index, attempt)).run;
}

/** The message that starts the first attempts of all in the range. */
export function makeRangeAssignment({ task, from, to, node, asked }: Range): Assignment {
  const first = { task, index: from, attempt: 1, checkpoint: null };
  const key = attemptKey({ job: task.job.id, task: task.spec.name, index: from, attempt: 1 });
  const assignment = makeAssignment(first, newActive({ node, key, gpuUuids: NO_GPUS, choice: 0, asked }));
  return { ...assignment, alike: { count: to - from, ...renderAlike(contextOf(task, from, 1), to - from) } };
}

/** What lineage keeps of those in the range, who have ended. */
export function makeEndedRange({ task, from, to, node }: Range, report: EndedRangeReport): EndedRange {
  const { code, params } = task.job;
  return {
    node: { id: node.id, name: node.name },
    code,
    params,
    inputs: inputsOf(task),
    runs: renderRuns(contextOf(task, from, 1), to - from),
    maps: Array.from({ length: to - from }, (_, i) => mapValues(task.spec, from + i, task.values)),
    report,
  };
}

function contextOf(task: JobTask, index: number, attempt: number): RenderContext {
  const { job, spec, values } = task;
  return {
    job: job.id,
    pipeline: job.spec,
    params: job.params,
    task: spec,
    index,
    attempt,
    mapValues: values,
    ...(mentionsResults(spec) ? { results: resultsFor(task) } : {}),
  };
}

/** Where the service is to listen, and where those it needs are when it starts. */
function serviceVariables(task: JobTask, { node }: Active): Record<string, string> {
  const port = task.spec.service?.port ?? null;
  const services = Object.entries(addressesFor(task, node)).map(([name, addresses]): [string, string] => [
    `WEFT_SERVICE_${variableName(name)}`,
    addresses.join(","),
  ]);
  return { ...(port === null ? {} : { WEFT_PORT: String(port) }), ...Object.fromEntries(services) };
}

const NO_INPUTS: readonly AssignedInput[] = Object.freeze([]);

function inputsOf(task: JobTask): readonly AssignedInput[] {
  const wanted = Object.entries(task.spec.inputs);
  const pinned = pinnedInputs(task.spec);
  if (wanted.length === 0) return pinned;
  const inputs: AssignedInput[] = [...pinned];
  for (const [name, { task: producerName, output }] of wanted) {
    const producer = task.needs.find((need) => need.spec.name === producerName);
    const mapped = producer !== undefined && isMapped(producer.spec);
    for (const made of inOrder(producer)) {
      // Kept outputs of one that failed are for those that run in spite of it.
      if (made.state.kind !== "ended" || (made.state.as !== "succeeded" && task.spec.flow.when === "succeeded"))
        continue;
      const found: OutputRef | undefined = made.state.outputs.find((candidate) => candidate.name === output);
      if (!found) continue;
      const { digest, kind, bytes, fileName } = found;
      inputs.push({ name, index: mapped ? made.index : null, digest, kind, bytes, fileName });
    }
  }
  return inputs;
}

/** Inputs from outside whose bytes were fixed when the job was accepted. */
function pinnedInputs({ sources }: TaskSpec): readonly AssignedInput[] {
  if (!sources) return NO_INPUTS;
  return Object.entries(sources).flatMap(([name, { pin }]): AssignedInput[] =>
    pin ? [{ name, index: null, ...pin }] : [],
  );
}

/** Inputs that the node is to read. */
function sourcesOf({ sources = {} }: TaskSpec): Pick<Assignment, "sources"> {
  const open = Object.entries(sources).flatMap(([name, source]): AssignedSource[] => {
    if (source.pin) return [];
    const { from, digest = null, keep = true } = source;
    return [{ name, uri: from, fileName: sourceFileName(source, name), digest, keep }];
  });
  return open.length === 0 ? {} : { sources: open };
}

/** By index: what was taken over, or restored, came in another order. */
function inOrder(task: JobTask | undefined): readonly Instance[] {
  return [...(task?.instances?.values() ?? [])].sort((a, b) => a.index - b.index);
}

/** Of one device: what the attempt was given. 0: the driver does not say. */
function gpuMemory({ node, gpuUuids, asked }: Active): number {
  const gpu = node.capacity.gpus.find(({ uuid }) => uuid === gpuUuids[0]);
  return gpu ? memoryShare(gpu, asked) : 0;
}

/** Ports for a gang's rendezvous: below those that Linux gives out by itself (32768 on), above the well-known ones. */
const RENDEZVOUS_PORT_MIN = 20_000;
const RENDEZVOUS_PORTS = 10_000;

function gangPlace(instance: Attempted, active: Active): GangPlace | null {
  const { task, index, attempt } = instance;
  const { nodes, name } = task.spec;
  if (nodes === 1) return null;
  const rank = index % nodes;
  return {
    rank,
    size: nodes,
    masterAddress: active.masterAddress,
    // Another one each time: the last attempt's may still be in use.
    masterPort: RENDEZVOUS_PORT_MIN + (hash(`${task.job.id}.${name}.${index - rank}.${attempt}`) % RENDEZVOUS_PORTS),
  };
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
