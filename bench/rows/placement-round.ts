import type { AttemptKey, JobId, NodeId } from "../../lib/core/ids.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import { drain, type Event, newState, place, type State, step } from "../../scheduler/core/index.ts";
import { asks, endedReport, job, mapOver, pipeline, SUCCEEDED, task } from "../../test/support/build.ts";
import { figure, type Figure, type Row } from "../figure.ts";
import { median } from "../sample.ts";

const NODES = 10_000;
const GPUS = 8;
const CPUS = 128;
const WAITING = 1_000_000;
/** Each asks for other CPUs and GPUs. */
const CPU_ASKS = 25;
const GPU_ASKS = [1, 2, 4, 8];
const CLASSES = CPU_ASKS * GPU_ASKS.length;
const ROUNDS = 5;
/** Attempts that end between two rounds: as many as 10,000 GPU tasks of a minute and a half give in a second. */
const ENDED = 100;
const MS_MAX = { compare: "≤", limit: 50, of: "value" } as const;

export const placementRound: Row = {
  name: "placement-round",
  about:
    "the pure core, 10,000 nodes with 8 GPUs and 1,000,000 waiting tasks in 100 classes: a round in which every class looks at every node and finds none; one after 100 attempts have ended; and the first, which gives all GPUs out",
  run: async () => {
    const state = newState({ leaseMs: 3_600_000, skewMs: 1_000, silentHeartbeatsMax: 2, random: () => 0.5 });
    for (let i = 0; i < NODES; i += 1) must(state, nodeJoined(i));
    place(state, 1);
    submit(state, "fill", mapped(NODES * GPUS, 1, 1));
    const fillMs = time(() => place(state, 2));
    const held = drain(state).assign.map(({ node, assignment: { ref } }) => ({
      node,
      key: `${ref.job}.${ref.task}.${ref.index}.${ref.attempt}` as AttemptKey,
    }));
    const specs = Array.from({ length: CLASSES }, (_, i) =>
      mapped(WAITING / CLASSES, (i % CPU_ASKS) + 1, GPU_ASKS[Math.floor(i / CPU_ASKS)]!),
    );
    const scans: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      specs.forEach((spec, i) => submit(state, `r${round}-${i}`, spec));
      scans.push(time(() => place(state, 3)));
      drain(state);
      if (round === ROUNDS - 1) break;
      specs.forEach((_, i) => must(state, { kind: "jobCancelRequested", job: `r${round}-${i}` as JobId, reason: "" }));
      // Otherwise the classes would stay, and know that they have looked.
      state.placementDue = true;
      place(state, 3);
      drain(state);
    }
    const steady: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { node, key } of held.splice(0, ENDED)) must(state, ended(node, key));
      steady.push(time(() => place(state, 4)));
      if (drain(state).assign.length === 0) throw new Error("nothing was placed though GPUs were freed");
    }
    return [
      row("placement-round", median(scans), floorMs(CLASSES * NODES), MS_MAX),
      row("placement-round 100 ended", median(steady), floorMs(CLASSES * ENDED), MS_MAX),
      row("placement-round 80,000 given", fillMs, floorMs(NODES * GPUS)),
    ];
  },
};

function row(name: string, value: number, referenceValue: number, target?: typeof MS_MAX): Figure {
  const reference = "as many comparisons of free CPUs and GPUs with what is asked, over flat arrays";
  return figure({ row: name, value, unit: "ms", reference, referenceValue }, target);
}

function nodeJoined(i: number): Event {
  const gpus = Array.from({ length: GPUS }, (_, gpu) => ({
    uuid: `GPU-${i}-${gpu}`,
    model: "H100",
    memoryBytes: 80 * 2 ** 30,
    healthy: true,
    computeCapability: "9.0",
    driver: "550.54",
    mig: "",
  }));
  const capacity = { cpuMillis: CPUS * 1000, memoryBytes: 2 ** 40, diskBytes: 2 ** 42, gpus };
  return { kind: "nodeJoined", node: nodeId(i), name: `node-${i}`, labels: {}, address: "", capacity };
}

const nodeId = (i: number): NodeId => `node-${i}` as NodeId;

function mapped(count: number, cpus: number, gpus: number): PipelineSpec {
  return pipeline(task("t", { resources: asks(cpus, { gpuMillis: gpus * 1000 }), map: mapOver(count) }));
}

function submit(state: State, id: string, spec: PipelineSpec): void {
  must(state, { kind: "jobSubmitted", job: job(id, spec) });
}

function must(state: State, event: Event): void {
  const answer = step(state, event, 1);
  if (answer.kind === "refused" || answer.kind === "stale") throw new Error(`${event.kind}: ${JSON.stringify(answer)}`);
}

function ended(node: NodeId, key: AttemptKey): Event {
  return { kind: "attemptEnded", node, report: endedReport(key, SUCCEEDED) };
}

/** Milliseconds of CPU: there is nothing to wait for, and others may use the machine. */
function time(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least that as many looks at a node can cost here. */
function floorMs(looks: number): number {
  const freeCpus = new Int32Array(NODES);
  const freeGpus = new Int32Array(NODES);
  let found = 0;
  const ms = time(() => {
    for (let i = 0; i < looks; i += 1) {
      const node = i % NODES;
      if (freeCpus[node]! >= 1000 && freeGpus[node]! >= 1000) found += 1;
    }
  });
  if (found > 0) throw new Error("an empty node had room");
  return ms;
}
