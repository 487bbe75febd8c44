import type { JobId } from "../../lib/core/ids.ts";
import { checkPipeline } from "../../lib/core/pipeline/rules.ts";
import type { PipelineSpec, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { Event, NewJob } from "../../scheduler/core/index.ts";
import { asks, flow, GIB, job, mapOver, pipeline, retriesOf, task } from "../support/build.ts";
import type { Agenda } from "./agenda.ts";

import type { Callers } from "./callers.ts";
import { Chance } from "./chance.ts";
import type { Plan } from "./plan.ts";
import { lay, type Trait } from "./trait.ts";
import { FAILS, LASTS } from "./variable.ts";
import type { Witness } from "./witness.ts";

export interface WorkloadParts {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly plan: Plan;
  readonly callers: Callers;
  readonly witness: Witness;
  readonly tell: (what: string, about: string) => void;
  /** Told of each job when its caller knows it. */
  readonly onAccepted: (id: JobId, spec: PipelineSpec) => void;
}

/** People and programs that submit jobs, and cancel some. */
export class Workload {
  readonly #parts: WorkloadParts;
  readonly #traits = new Map<Trait, Chance>();
  /** That were accepted, as the callers know them. */
  readonly #known: JobId[] = [];
  #jobs = 0;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    for (const trait of parts.plan.traits) this.#traits.set(trait, new Chance(parts.plan.seed, `trait/${trait}`));
  }

  /** Within that time all of them have begun. */
  begin(forMs: number): void {
    const { agenda, chance } = this.#parts;
    const jobs = chance.whole(5, 16);
    for (let i = 0; i < jobs; i += 1) agenda.after(chance.between(0, forMs), () => this.#submit());
    for (let i = chance.whole(0, 3); i > 0; i -= 1) agenda.after(chance.between(0, forMs), () => this.#cancel());
  }

  #submit(): void {
    const { chance, agenda, plan } = this.#parts;
    const plain = plan.focus === "lease" ? smallPipeline(chance) : somePipeline(chance);
    const spec = lay(plain, plan.traits, (trait) => this.#traits.get(trait)!);
    const [issue] = checkPipeline(spec);
    if (issue) throw new Error(`the workload makes what is refused: ${issue.path.join(".")}: ${issue.message}`);
    const key = chance.happens(0.7) ? `key-${chance.whole(0, 30)}` : null;
    const priority = chance.whole(-1, 1);
    const make = (): Event => {
      this.#jobs += 1;
      return { kind: "jobSubmitted", job: newJob(`j${this.#jobs}`, spec, priority, key) };
    };
    // Two callers with one key at once.
    if (key !== null && chance.happens(0.2))
      agenda.after(chance.between(0, 50), () => this.#submitUntil(make, key, spec));
    this.#submitUntil(make, key, spec);
  }

  #submitUntil(make: () => Event, key: string | null, spec: PipelineSpec): void {
    const { callers, chance, witness, onAccepted, tell } = this.#parts;
    callers.ask(chance, make, key !== null, (answer) => {
      if (answer.kind === "refused") tell(`a job is refused: ${answer.issues[0]?.message ?? answer.message}`, "client");
      if (answer.kind !== "accepted") return;
      this.#known.push(answer.job);
      witness.onAccepted(answer.job, key);
      onAccepted(answer.job, spec);
    });
  }

  #cancel(): void {
    const { callers, chance, tell, witness } = this.#parts;
    if (this.#known.length === 0) return;
    const id = chance.pick(this.#known);
    tell("a caller cancels it", id);
    const event = { kind: "jobCancelRequested", job: id, reason: "" } as const;
    callers.ask(
      chance,
      () => event,
      true,
      (answer) => answer.kind === "done" && witness.onCancelAccepted(id),
    );
  }
}

function newJob(id: string, spec: PipelineSpec, priority: number, idempotencyKey: string | null): NewJob {
  return job(id, spec, { priority, idempotencyKey });
}

/** One small task: another node has room for it at once. */
function smallPipeline(chance: Chance): PipelineSpec {
  return pipeline(
    task("t0", {
      map: mapOver(chance.whole(1, 2)),
      resources: asks(0.25),
      retries: retriesOf({ limit: 1, backoffMs: 1, backoffMsMax: 1 }),
    }),
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
  const retries = retriesOf({ backoffMs: 1, backoffMsMax: 1 });
  return [wide, task("behind", { needs: [wide.name], resources: asks(0.5), retries, flow: flow({ when }) })];
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
