import type { JobId } from "../../lib/core/ids.ts";
import type { PipelineSpec, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { Answer, Event, NewJob } from "../../scheduler/core/index.ts";
import { asks, flow, GIB, job, mapOver, pipeline, retriesOf, task } from "../support/build.ts";
import type { Agenda } from "./agenda.ts";
import { FAILS, LASTS } from "./behaviour.ts";
import type { Chance } from "./chance.ts";
import type { SimMachine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import type { SimServer } from "./server.ts";
import type { Witness } from "./witness.ts";

/** A caller that has no answer asks again after this, in milliseconds. */
const AGAIN_MS = 2_500;

export interface WorkloadParts {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly focus: Plan["focus"];
  readonly servers: readonly SimServer[];
  readonly machines: readonly SimMachine[];
  readonly witness: Witness;
  readonly tell: (what: string, about: string) => void;
}

/** People and programs at their terminals: they submit, cancel, cordon and drain, and ask again until they are answered. */
export class Workload {
  readonly #parts: WorkloadParts;
  /** That were accepted, as the callers know them. */
  readonly #known: JobId[] = [];
  #jobs = 0;
  #waiting = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  /** Callers that have not been answered. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Within that time all of them have begun. */
  begin(forMs: number): void {
    const { agenda, chance } = this.#parts;
    const jobs = chance.whole(5, 16);
    for (let i = 0; i < jobs; i += 1) agenda.after(chance.between(0, forMs), () => this.#submit());
    for (let i = chance.whole(0, 3); i > 0; i -= 1) agenda.after(chance.between(0, forMs), () => this.#cancel());
    for (let i = chance.whole(0, 3); i > 0; i -= 1) agenda.after(chance.between(0, forMs * 0.8), () => this.#operate());
  }

  /** At the end every node takes work again. */
  uncordonAll(): void {
    for (const { node } of this.#parts.machines) this.#ask({ kind: "nodeUncordoned", node, reason: "" });
  }

  #submit(): void {
    const { chance, agenda, focus } = this.#parts;
    const spec = focus === "lease" ? smallPipeline(chance) : somePipeline(chance);
    const key = chance.happens(0.7) ? `key-${chance.whole(0, 30)}` : null;
    const priority = chance.whole(-1, 1);
    const make = (): Event => {
      this.#jobs += 1;
      return { kind: "jobSubmitted", job: newJob(`j${this.#jobs}`, spec, priority, key) };
    };
    // Two callers with one key at once.
    if (key !== null && chance.happens(0.2)) agenda.after(chance.between(0, 50), () => this.#submitUntil(make, key));
    this.#submitUntil(make, key);
  }

  #submitUntil(make: () => Event, key: string | null): void {
    this.#until(make, key !== null, (answer) => {
      if (answer.kind !== "accepted") return;
      this.#known.push(answer.job);
      this.#parts.witness.onAccepted(answer.job, key);
    });
  }

  #cancel(): void {
    if (this.#known.length === 0) return;
    const id = this.#parts.chance.pick(this.#known);
    this.#parts.tell("a caller cancels it", id);
    this.#until(
      () => ({ kind: "jobCancelRequested", job: id, reason: "" }),
      true,
      (answer) => answer.kind === "done" && this.#parts.witness.onCancelAccepted(id),
    );
  }

  #operate(): void {
    const { chance, machines } = this.#parts;
    const { node } = chance.pick(machines);
    const kind = chance.pick(["nodeCordoned", "nodeUncordoned", "nodeDrained"] as const);
    this.#ask({ kind, node, reason: "" });
  }

  #ask(event: Event): void {
    this.#parts.tell(event.kind, "node" in event ? event.node : "");
    this.#until(
      () => event,
      true,
      () => {},
    );
  }

  /** Without `again` the caller gives up when no answer comes. */
  #until(make: () => Event, again: boolean, answered: (answer: Answer) => void): void {
    const { agenda, chance, servers } = this.#parts;
    let open = true;
    this.#waiting += 1;
    const ask = (): void => {
      if (!open) return;
      chance.pick(servers).event("client", make, (answer) => {
        if (open) this.#waiting -= 1;
        open = false;
        answered(answer);
      });
      agenda.after(AGAIN_MS, () => {
        if (again) return ask();
        if (open) this.#waiting -= 1;
        open = false;
      });
    };
    ask();
  }
}

function newJob(id: string, spec: PipelineSpec, priority: number, idempotencyKey: string | null): NewJob {
  return job(id, spec, { priority, idempotencyKey });
}

/** One small task: another node has room for it at once. */
function smallPipeline(chance: Chance): PipelineSpec {
  return pipeline(
    task("t0", { map: mapOver(chance.whole(1, 2)), resources: asks(0.25), retries: retriesOf({ limit: 1 }) }),
  );
}

function somePipeline(chance: Chance): PipelineSpec {
  const count = chance.whole(1, 6);
  const tasks: TaskSpec[] = [];
  for (let i = 0; i < count; i += 1) tasks.push(someTask(chance, i, tasks));
  if (chance.happens(0.4)) tasks.push(...wideTasks(chance, tasks.at(-1)!));
  return pipeline(...tasks);
}

/** Many small instances without outputs, which travel together until one of them has its own story; and one that waits for all. */
function wideTasks(chance: Chance, before: TaskSpec): TaskSpec[] {
  const wide = task("wide", {
    needs: chance.happens(0.5) ? [before.name] : [],
    map: mapOver(chance.whole(4, 40)),
    resources: asks(chance.pick([0.1, 0.25, 0.5])),
    retries: retriesOf({ limit: 2, backoffMs: 200, backoffMsMax: 2_000, crashes: 20 }),
    timeoutMs: chance.happens(0.2) ? 8_000 : 0,
    env: { [FAILS]: String(chance.pick([0, 0, 0, 0.05])), [LASTS]: String(chance.pick([2, 20, 200, 2_000])) },
  });
  const when = chance.happens(0.3) ? ("always" as const) : ("succeeded" as const);
  return [wide, task("behind", { needs: [wide.name], resources: asks(0.5), flow: flow({ when }) })];
}

function someTask(chance: Chance, number: number, before: readonly TaskSpec[]): TaskSpec {
  const producers = before.filter(() => chance.happens(0.4)).slice(-2);
  const inputs = Object.fromEntries(
    producers.filter(() => chance.happens(0.6)).map(({ name }) => [`from-${name}`, { task: name, output: "data" }]),
  );
  const gpus = chance.happens(0.3) ? chance.pick([1000, 1000, 2000, 500, 250]) : 0;
  const mapped = chance.happens(0.4) ? chance.whole(2, 6) : 0;
  return task(`t${number}`, {
    needs: producers.map(({ name }) => name),
    inputs,
    outputs: { data: "data" },
    map: mapped === 0 ? [] : mapOver(mapped),
    resources: asks(chance.pick([0.5, 1, 1, 2, 3]), { gpuMillis: gpus, memoryBytes: chance.whole(0, 2) * GIB }),
    retries: retriesOf({ limit: chance.whole(0, 2), backoffMs: 200, backoffMsMax: 2_000, crashes: 20 }),
    timeoutMs: chance.happens(0.2) ? 8_000 : 0,
    stopGraceMs: chance.pick([100, 1_000, 10_000]),
    flow: flow({
      when: producers.length > 0 && chance.happens(0.2) ? chance.pick(["always", "failed"] as const) : "succeeded",
      tolerate: { count: chance.happens(0.2) ? 1 : 0, share: 0 },
    }),
    env: { [FAILS]: String(chance.pick([0, 0, 0, 0.1, 0.4])), [LASTS]: String(chance.pick([50, 500, 5_000, 30_000])) },
  });
}
