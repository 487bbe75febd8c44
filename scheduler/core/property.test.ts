import fc from "fast-check";
import { expect, test } from "vitest";
import type { Outcome } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type JobId, type NodeId } from "../../lib/core/ids.ts";
import { POLICIES } from "../../lib/core/pipeline/admission.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import {
  asks,
  Bench,
  capacity,
  FAILED,
  flow,
  job,
  mapOver,
  pipeline,
  retriesOf,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { Saved } from "../../test/support/saved.ts";
import type { Batch, CacheAnswer, Lookup } from "./index.ts";
import { ENDLESS_HOLD_AFTER_MS, HOLD_AFTER_MS } from "./limit.ts";

/**
 * A small world around the core: nodes that get assignments late, twice or not at all, start, end, fail, forget, fall
 * silent and come back. The laws are checked after every event; when the world heals, every job must end, and no
 * instance may have run to its end twice.
 */
class World {
  bench = new Bench({ leaseMs: 1000, skewMs: 100 });
  readonly saved = new Saved();
  /** Of the result cache, and not answered. */
  asked: Lookup[] = [];
  readonly inbox: { node: string; key: AttemptKey }[] = [];
  readonly held = new Map<string, Set<AttemptKey>>();
  readonly silent = new Set<string>();
  readonly submitted = new Set<string>();
  readonly finished = new Set<string>();
  readonly completions = new Map<string, number>();

  constructor(nodes: readonly { cpus: number; gpus: number }[]) {
    const none = { cpuMillis: null, memoryBytes: null, gpuMillis: null };
    for (const [name, weight, quota] of [
      ["limited", 1, { ...none, cpuMillis: 6000 }],
      ["heavy", 3, none],
    ] as const)
      this.bench.step({ kind: "projectChanged", settings: { name, weight, quota } });
    nodes.forEach(({ cpus, gpus }, i) => {
      this.held.set(`n${i}`, new Set());
      this.take(this.bench.join(`n${i}`, capacity(cpus, gpus)));
    });
  }

  take(batch: Batch): void {
    this.saved.take(batch);
    this.asked.push(...batch.lookups);
    for (const { node, assignment } of batch.assign) this.inbox.push({ node, key: attemptKey(assignment.ref) });
    for (const { id, finishedAtMs } of batch.jobs) if (finishedAtMs !== null) this.finished.add(id);
    for (const row of batch.tasks) {
      if (row.state !== "succeeded") continue;
      const id = `${row.job}.${row.task}.${row.index}`;
      this.completions.set(id, (this.completions.get(id) ?? 0) + 1);
    }
  }

  submit(spec: PipelineSpec, priority: number): void {
    const id = `j${this.submitted.size}`;
    const answer = this.bench.step({ kind: "jobSubmitted", job: job(id, spec, { priority }) });
    if (answer.kind === "accepted") this.submitted.add(id);
    this.take(this.bench.settle());
  }

  deliver(pick: number): void {
    const [message] = this.inbox.splice(pick % Math.max(this.inbox.length, 1), 1);
    if (message) this.held.get(message.node)!.add(message.key);
  }

  /** The cache has a third of what it is asked for. */
  answer(): void {
    const answers = this.asked.splice(0).map(({ assignment: { ref } }, i): CacheAnswer => {
      const execution = "old.t.0.1" as AttemptKey;
      const hit = (i + ref.index) % 3 === 0 ? { execution, outputs: [], result: [1], madeAtMs: 0 } : null;
      return { job: ref.job, task: ref.task, index: ref.index, key: `k${i}`, why: "", hit };
    });
    if (answers.length === 0) return;
    this.bench.step({ kind: "cacheAnswered", answers });
    this.take(this.bench.settle());
  }

  /** The server is killed, and another takes over with what is in the store. */
  restart(): void {
    this.asked = [];
    this.bench = this.saved.next(this.bench);
    this.take(this.bench.settle());
  }

  approve(pick: number): void {
    const waiting = [...this.bench.state.jobs.values()].flatMap((job) =>
      job.tasks.filter((one) => one.instances?.get(0)?.state.kind === "waiting"),
    );
    const asked = waiting[pick % Math.max(waiting.length, 1)];
    if (!asked) return;
    const word = { job: asked.job.id, task: asked.spec.name, by: "ann", approved: pick % 3 > 0, comment: "" };
    this.bench.step({ kind: "approvalGiven", ...word });
    this.take(this.bench.settle());
  }

  /** One held attempt of a node, by choice. */
  choose(pick: number): { node: string; key: AttemptKey } | undefined {
    const all = [...this.held].flatMap(([node, keys]) => [...keys].map((key) => ({ node, key })));
    return all[pick % Math.max(all.length, 1)];
  }

  end(node: string, key: AttemptKey, outcome: Outcome): void {
    this.held.get(node)!.delete(key);
    // Some write a list, some none: a map over it has that many instances, or fails.
    const size = (key.length + Number(key.split(".")[2])) % 5;
    const list = size > 0 ? Array.from({ length: size - 1 }, (_, i) => i) : null;
    this.take(this.bench.end(node, key, outcome, { result: outcome.kind === "succeeded" ? list : null }));
  }

  hear(node: string): void {
    const answer = this.bench.hear(node, [...this.held.get(node)!]);
    if (answer.kind !== "heard") throw new Error(`a heartbeat was answered with ${answer.kind}`);
    this.take(this.bench.settle());
    for (const { key, reason } of answer.stop) {
      const outcome: Outcome =
        reason === "drained" || reason === "preempted" ? { kind: "lost", reason } : { kind: "stopped", reason };
      this.end(node, key, outcome);
    }
    for (const key of answer.query) {
      if (this.held.get(node)!.has(key)) continue;
      this.bench.step({ kind: "attemptUnknown", node: node as NodeId, key });
      this.take(this.bench.settle());
    }
  }

  /** A node starts nothing beyond what it has, whatever it was sent. */
  hasRoom(node: string, key: AttemptKey): boolean {
    const { attempts, capacity: has } = this.bench.state.nodes.get(node as NodeId)!;
    let cpuMillis = 0;
    for (const [other, { state: of }] of attempts) {
      if (of.kind === "active" && (of.started || other === key)) cpuMillis += of.asked.cpuMillis;
    }
    return cpuMillis <= has.cpuMillis;
  }

  pass(ms: number): void {
    for (const node of this.held.keys()) if (!this.silent.has(node)) this.hear(node);
    this.answer();
    this.take(this.bench.pass(ms));
  }
}

const someTask = fc.record({
  needs: fc.array(fc.nat(9), { maxLength: 2 }),
  count: fc.integer({ min: 1, max: 4 }),
  cpus: fc.integer({ min: 1, max: 3 }),
  gpuMillis: fc.constantFrom(0, 0, 300, 500, 1000),
  nodes: fc.constantFrom(1, 1, 1, 2),
  preemptible: fc.boolean(),
  timeoutMs: fc.constantFrom(0, 1000),
  retries: fc.integer({ min: 0, max: 2 }),
  when: fc.constantFrom("succeeded" as const, "succeeded" as const, "always" as const, "failed" as const),
  tolerated: fc.integer({ min: 0, max: 1 }),
  kind: fc.constantFrom("run", "run", "run", "run", "approve", "fan-out", "condition", "rate", "cache"),
});

function flowOf(kind: string, [need]: readonly string[]): Parameters<typeof flow>[0] {
  if (kind === "approve") return { approve: { by: [], timeoutMs: 700, message: "" } };
  if (kind === "cache") return { cache: { ttlMs: 0, params: null } };
  if (kind === "rate") return { rate: { limit: 2, perMs: 400, key: "shared" } };
  if (need === undefined) return {};
  if (kind === "condition") return { if: `size(tasks.${need}.succeeded) > 0` };
  return kind === "fan-out" ? { mapFrom: { from: `tasks.${need}.result`, as: ["item"] } } : {};
}

const someTasks = fc.array(someTask, { minLength: 1, maxLength: 6 }).map((tasks) =>
  pipeline(
    ...tasks.map(
      ({ needs, count, cpus, gpuMillis, nodes, preemptible, timeoutMs, retries, when, tolerated, kind }, i) =>
        task(`t${i}`, {
          needs: [...new Set(i === 0 ? [] : needs.map((need) => `t${need % i}`))],
          map: count === 1 || kind === "approve" || kind === "fan-out" ? [] : mapOver(count),
          resources: asks(cpus, { gpuMillis }),
          nodes: kind === "approve" || kind === "rate" || kind === "cache" ? 1 : nodes,
          preemptible,
          timeoutMs,
          retries: retriesOf({ limit: retries, backoffMs: 50, backoffMsMax: 500 }),
          flow: flow({
            when: i === 0 || needs.length === 0 ? "succeeded" : when,
            tolerate: { count: tolerated, share: 0 },
            ...flowOf(kind, i === 0 ? [] : needs.map((need) => `t${need % i}`)),
          }),
        }),
    ),
  ),
);

/** One project has a quota, that just lets its largest gang run, and the other a larger share. */
const someSpec = fc
  .tuple(
    someTasks,
    fc.constantFrom("limited", "heavy"),
    fc.constantFrom(null, null, ...POLICIES),
    fc.constantFrom(0, 0, 1),
  )
  .map(([spec, project, policy, limit]) => ({
    ...spec,
    project,
    ...(policy ? { concurrency: { group: "g", policy, limit: limit + 1 } } : {}),
    ...(limit > 0 ? { rate: { limit, perMs: 300, key: "" } } : {}),
  }));

const someAct = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      spec: someSpec,
      priority: fc.integer({ min: -1, max: 1 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom("deliver" as const, "start" as const, "succeed" as const),
      pick: fc.nat(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("fail" as const, "lose" as const, "forget" as const, "drop" as const, "repeat" as const),
      pick: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "silence" as const,
        "return" as const,
        "cancel" as const,
        "cordon" as const,
        "drain" as const,
        "approve" as const,
        "restart" as const,
      ),
      pick: fc.nat(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 800 }), fc.constantFrom(HOLD_AFTER_MS, ENDLESS_HOLD_AFTER_MS)),
    }),
  },
);

function act(world: World, what: typeof someAct extends fc.Arbitrary<infer T> ? T : never): void {
  const { bench } = world;
  if (what.kind === "submit") return world.submit(what.spec, what.priority);
  if (what.kind === "pass") return world.pass(what.ms);
  const node = `n${what.pick % world.held.size}`;
  const chosen = world.choose(what.pick);
  switch (what.kind) {
    case "deliver":
      return world.deliver(what.pick);
    case "drop":
      world.inbox.splice(what.pick % Math.max(world.inbox.length, 1), 1);
      return;
    case "repeat":
      if (world.inbox.length > 0) world.inbox.push(world.inbox[what.pick % world.inbox.length]!);
      return;
    case "start":
      if (chosen && world.hasRoom(chosen.node, chosen.key)) world.take(bench.start(chosen.node, chosen.key));
      return;
    case "succeed":
      if (chosen) world.end(chosen.node, chosen.key, SUCCEEDED);
      return;
    case "fail":
      if (chosen) world.end(chosen.node, chosen.key, FAILED);
      return;
    case "lose":
      if (chosen) world.end(chosen.node, chosen.key, { kind: "lost", reason: "runner-lost" });
      return;
    case "forget":
      if (chosen) world.held.get(chosen.node)!.delete(chosen.key);
      return;
    case "silence":
      world.silent.add(node);
      return;
    case "return":
      world.silent.delete(node);
      return;
    case "approve":
      return world.approve(what.pick);
    case "restart":
      return world.restart();
    case "cancel": {
      const id = `j${what.pick % Math.max(world.submitted.size, 1)}` as JobId;
      bench.step({ kind: "jobCancelRequested", job: id, reason: "" });
      return world.take(bench.settle());
    }
    case "cordon":
    case "drain":
      bench.step({ kind: what.kind === "cordon" ? "nodeCordoned" : "nodeDrained", node: node as NodeId, reason: "" });
      return world.take(bench.settle());
  }
}

/** Everything works again; whatever the nodes hold succeeds. */
function heal(world: World): void {
  world.silent.clear();
  for (const node of world.held.keys()) world.bench.step({ kind: "nodeUncordoned", node: node as NodeId, reason: "" });
  for (let round = 0; round < 2000 && world.finished.size < world.submitted.size; round++) {
    world.pass(200);
    while (world.inbox.length > 0) world.deliver(0);
    for (const [node, keys] of world.held) for (const key of keys) world.end(node, key, SUCCEEDED);
  }
}

/** Some seconds of work, on a machine that other tests keep busy. */
const PROPERTY_MS = 180_000;

test(
  "under any order of faults the laws hold, every job ends once the world heals, and nothing completes twice",
  { timeout: PROPERTY_MS },
  () => {
    const nodes = fc.array(fc.record({ cpus: fc.integer({ min: 2, max: 6 }), gpus: fc.integer({ min: 0, max: 2 }) }), {
      minLength: 2,
      maxLength: 4,
      // Else most runs are of next to nothing.
      size: "max",
    });
    fc.assert(
      fc.property(nodes, fc.array(someAct, { minLength: 40, maxLength: 160, size: "max" }), (machines, acts) => {
        const world = new World(machines);
        for (const what of acts) act(world, what);
        heal(world);
        expect([...world.submitted].filter((id) => !world.finished.has(id))).toEqual([]);
        expect([...world.completions].filter(([, times]) => times > 1)).toEqual([]);
        for (const node of world.bench.state.nodes.values()) {
          expect(node.reserved).toEqual({ cpuMillis: 0, memoryBytes: 0, diskBytes: 0 });
          expect(node.devices.size).toBe(0);
          expect(node.hold).toBeNull();
        }
        for (const { usage } of world.bench.state.projects.values())
          expect(usage).toEqual({ cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 });
      }),
      { numRuns: 120 },
    );
  },
);

test("the same events give the same plan", () => {
  fc.assert(
    fc.property(fc.array(someSpec, { minLength: 1, maxLength: 5 }), (specs) => {
      const plan = () => {
        const bench = new Bench();
        bench.join("n0", capacity(4, 1));
        bench.join("n1", capacity(2));
        return specs.map((spec, i) => bench.submit(job(`j${i}`, spec)).assign);
      };
      expect(plan()).toEqual(plan());
    }),
    { numRuns: 50 },
  );
});
