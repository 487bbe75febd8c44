import { expect, test } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import type { Placement, Resources, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import {
  asks,
  assigned,
  Bench,
  capacity,
  FAILED,
  GIB,
  job,
  key,
  mapOver,
  pipeline,
  retriesOf,
  rows,
  SUCCEEDED,
  task,
} from "../../test/support/build.ts";
import { type Capacity, explain, type NodeSettings, restore, type TaskRow, type NodeRow } from "./index.ts";
import { HOLD_AFTER_MS, PLACED_PER_ROUND_MAX } from "./limit.ts";

const anyGpu = { memoryBytes: 0, models: [], computeCapability: "", driver: "", mig: "" };

function asksGpu(gpuMillis: number, gpu: Partial<NonNullable<Resources["gpu"]>> | null = null): Resources {
  return asks(1, { gpuMillis, gpu: gpu && { ...anyGpu, ...gpu } });
}

function one(id: string, parts: Partial<TaskSpec>, priority = 0, project = "default") {
  const spec = { ...pipeline(task("t", parts)), project };
  return job(id, spec, { priority });
}

function configure(bench: Bench, node: string, change: Partial<NodeSettings>) {
  bench.step({ kind: "nodeSettingsChanged", node: node as NodeId, change });
  return bench.settle();
}

function why(bench: Bench, id: string, index = 0) {
  return explain(bench.state, id as never, "t", index, bench.nowMs)!.reasons[0]!;
}

function mixed(...gpus: Partial<Capacity["gpus"][number]>[]): Capacity {
  const has = capacity(16, gpus.length);
  return { ...has, gpus: has.gpus.map((gpu, i) => ({ ...gpu, ...gpus[i] })) };
}

test("shares of a device go to the fullest device that has room, and never beyond its whole or its memory", () => {
  const bench = new Bench();
  bench.join("n1", capacity(16, 2));
  const shares = bench.submit(one("a", { resources: asksGpu(400), map: mapOver(5) })).assign;
  expect(shares.map(({ assignment }) => assignment.gpuUuids[0])).toEqual(["GPU-0", "GPU-0", "GPU-1", "GPU-1"]);
  expect(shares[0]!.assignment.gpuMemoryBytes).toBe(32 * GIB);
  bench.end("n1", key("a.t.0.1"));
  bench.end("n1", key("a.t.1.1"));
  const other = new Bench();
  other.join("n1", capacity(16, 1));
  const wide = other.submit(one("b", { resources: asksGpu(250, { memoryBytes: 40 * GIB }), map: mapOver(4) }));
  expect(assigned(wide)).toHaveLength(2);
  expect(assigned(other.submit(one("c", { resources: asksGpu(1000) })))).toEqual([]);
});

test("devices are told apart by model, memory, compute capability, driver and MIG profile", () => {
  const bench = new Bench();
  bench.join(
    "n1",
    mixed(
      {
        uuid: "a",
        model: "NVIDIA A100-SXM4-40GB",
        memoryBytes: 40 * GIB,
        computeCapability: "8.0",
        driver: "535.54.3",
      },
      { uuid: "h", model: "NVIDIA H100", computeCapability: "9.0", driver: "550.2" },
      { uuid: "m", model: "NVIDIA A100 MIG 1g.10gb", memoryBytes: 10 * GIB, computeCapability: "8.0", mig: "1g.10gb" },
    ),
  );
  const given = (id: string, gpu: Parameters<typeof asksGpu>[1]) =>
    bench.submit(one(id, { resources: asksGpu(1000, gpu) })).assign.map(({ assignment }) => assignment.gpuUuids);
  expect(given("a", { models: ["h100"] })).toEqual([["h"]]);
  expect(given("b", { mig: "1g.10gb" })).toEqual([["m"]]);
  expect(given("c", { computeCapability: "8", driver: "535.54" })).toEqual([["a"]]);
  bench.end("n1", key("c.t.0.1"));
  const refused = bench.step({
    kind: "jobSubmitted",
    job: one("d", { resources: asksGpu(1000, { computeCapability: "9.5" }) }),
  });
  expect(refused).toMatchObject({ kind: "refused", issues: [{ message: expect.stringContaining("gpu-capability") }] });
  expect(given("e", { memoryBytes: 60 * GIB })).toEqual([]);
});

test("a task in a container waits for a node that has an engine, and is refused when none has", () => {
  const environment = { kind: "container", image: `a@sha256:${"0".repeat(64)}` } as const;
  const bench = new Bench();
  bench.join("n1");
  const submitted = bench.step({ kind: "jobSubmitted", job: one("a", { environment }) });
  expect(submitted).toMatchObject({
    kind: "refused",
    issues: [{ path: ["tasks", "t", "environment", "image"], message: expect.stringContaining("Docker or Podman") }],
  });
  const node = { kind: "nodeJoined", node: "n2" as NodeId, name: "n2", address: "", capacity: capacity(4) } as const;
  bench.step({ ...node, labels: { "weft.container": "podman" } });
  expect(assigned(bench.submit(one("b", { environment })))).toEqual(["b.t.0.1@n2"]);
  expect(assigned(bench.submit(one("c", { environment, resources: asks(4) })))).toEqual([]);
  expect(why(bench, "c")).toMatchObject({ kind: "capacity", nodesFailing: { labels: 1, cpus: 1 } });
});

test("labels, taints and pools keep tasks where they belong", () => {
  const bench = new Bench();
  for (const [node, zone] of [
    ["n1", "a"],
    ["n2", "b"],
  ] as const)
    bench.step({
      kind: "nodeJoined",
      node: node as NodeId,
      name: node,
      labels: { zone },
      address: node,
      capacity: capacity(4),
    });
  configure(bench, "n2", { taints: ["team=vision"] });
  const placed = (id: string, parts: Partial<Placement>) =>
    assigned(bench.submit(one(id, { placement: { labels: [], tolerations: [], pool: "", ...parts } })));
  expect(placed("a", { labels: [{ key: "zone", values: ["a"], refused: true }], tolerations: ["team"] })).toEqual([
    "a.t.0.1@n2",
  ]);
  expect(placed("b", { labels: [{ key: "zone", values: ["a", "c"], refused: false }] })).toEqual(["b.t.0.1@n1"]);
  configure(bench, "n1", { pool: "big" });
  const refused = bench.step({ kind: "jobSubmitted", job: one("c", {}) });
  expect(refused).toMatchObject({ kind: "refused", issues: [{ path: ["tasks", "t", "placement"] }] });
  expect(placed("d", { pool: "big" })).toEqual(["d.t.0.1@n1"]);
  configure(bench, "n2", { taints: [] });
  expect(assigned(bench.submit(one("e", {})))).toEqual(["e.t.0.1@n2"]);
});

test("nothing starts that could not end before maintenance; after it everything may", () => {
  const bench = new Bench();
  bench.join("n1");
  configure(bench, "n1", {
    maintenance: [{ fromMs: bench.nowMs + 60_000, toMs: bench.nowMs + 120_000, reason: "disk" }],
  });
  expect(assigned(bench.submit(one("short", { timeoutMs: 30_000 })))).toEqual(["short.t.0.1@n1"]);
  expect(assigned(bench.submit(one("long", { timeoutMs: 90_000 })))).toEqual([]);
  expect(assigned(bench.submit(one("open", {})))).toEqual([]);
  expect(why(bench, "open").nodesFailing).toEqual({ maintenance: 1 });
  bench.hear("n1", [key("short.t.0.1")]);
  bench.pass(20_000);
  for (let i = 0; i < 6; i += 1) {
    bench.hear("n1", [key("short.t.0.1")]);
    const batch = bench.pass(20_000);
    if (i === 4) expect(assigned(batch).toSorted()).toEqual(["long.t.0.1@n1", "open.t.0.1@n1"]);
  }
});

test("the first alternative that finds room is taken, and is what the node is told", () => {
  const bench = new Bench();
  bench.join("n1", capacity(16, 1));
  const alternatives = [asks(8)];
  const batch = bench.submit(one("a", { resources: asksGpu(1000), alternatives, map: mapOver(2) }));
  expect(batch.assign.map(({ assignment }) => [assignment.resources.cpuMillis, assignment.gpuUuids])).toEqual([
    [1000, ["GPU-0"]],
    [8000, []],
  ]);
  expect(batch.tasks.map(({ choice }) => choice)).toEqual([0, 1]);
});

test("projects share by weight what they both want, and idle shares are lent", () => {
  const bench = new Bench();
  bench.step({
    kind: "projectChanged",
    settings: { name: "heavy", weight: 3, quota: { cpuMillis: null, memoryBytes: null, gpuMillis: null } },
  });
  bench.submit(one("a", { map: mapOver(50) }, 0, "light"));
  bench.submit(one("b", { map: mapOver(50) }, 0, "heavy"));
  const placed = assigned(bench.join("n1", capacity(16)));
  expect(placed.filter((name) => name.startsWith("b"))).toHaveLength(12);
  const alone = new Bench();
  alone.submit(one("a", { map: mapOver(50) }, 0, "light"));
  expect(assigned(alone.join("n1", capacity(16)))).toHaveLength(16);
});

test("a quota is never passed, a quota of zero lets nothing start, and raising it does", () => {
  const bench = new Bench();
  bench.join("n1", capacity(16));
  const quota = (cpuMillis: number | null) => {
    bench.step({
      kind: "projectChanged",
      settings: { name: "p", weight: 1, quota: { cpuMillis, memoryBytes: null, gpuMillis: null } },
    });
    return assigned(bench.settle());
  };
  quota(0);
  expect(assigned(bench.submit(one("a", { map: mapOver(5) }, 0, "p")))).toEqual([]);
  expect(why(bench, "a")).toMatchObject({ kind: "quota", message: expect.stringContaining("0 CPUs") });
  expect(quota(2000)).toHaveLength(2);
  expect(quota(null)).toHaveLength(3);
});

test("for a head that waits long nodes are held: small work no longer passes it, unless it ends in time or fits beside", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  const small = (id: string, parts: Partial<TaskSpec> = {}) => assigned(bench.submit(one(id, parts)));
  expect(small("a", { map: mapOver(3), timeoutMs: 200_000 })).toHaveLength(3);
  for (const index of [0, 1, 2]) bench.start("n1", key(`a.t.${index}.1`));
  bench.submit(one("big", { resources: asks(4) }));
  bench.nowMs += HOLD_AFTER_MS;
  bench.hear(
    "n1",
    [0, 1, 2].map((index) => key(`a.t.${index}.1`)),
  );
  expect(small("late", {})).toEqual([]);
  expect(why(bench, "late").nodesFailing).toEqual({ reserved: 1 });
  expect(small("quick", { timeoutMs: 10_000 })).toEqual(["quick.t.0.1@n1"]);
  bench.end("n1", key("quick.t.0.1"));
  for (const index of [0, 1]) expect(assigned(bench.end("n1", key(`a.t.${index}.1`)))).toEqual([]);
  expect(assigned(bench.end("n1", key("a.t.2.1")))).toEqual(["big.t.0.1@n1"]);
  expect(assigned(bench.end("n1", key("big.t.0.1")))).toEqual(["late.t.0.1@n1"]);
});

test("preemptible work of lower priority makes room; it runs again without spending a retry, and never evicts back", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.submit(one("low", { preemptible: true, map: mapOver(4) }, -1));
  bench.submit(one("firm", {}, -1));
  const batch = bench.submit(one("high", { resources: asks(2) }, 5));
  const stops = batch.stop.map(({ order }) => [order.key, order.reason]);
  expect(stops).toEqual([
    [expect.stringMatching(/^low/), "preempted"],
    [expect.stringMatching(/^low/), "preempted"],
  ]);
  // What is freed there is spoken for.
  expect(bench.submit(one("other", {}, 0)).stop).toEqual([]);
  const victims = batch.stop.map(({ order }) => order.key);
  expect(assigned(bench.end("n1", victims[0]!, { kind: "lost", reason: "preempted" }))).toEqual([]);
  expect(assigned(bench.end("n1", victims[1]!, { kind: "lost", reason: "preempted" }))).toEqual(["high.t.0.1@n1"]);
  expect(bench.settle().stop).toEqual([]);
  for (const instance of bench.state.jobs.get("low" as never)!.tasks[0]!.instances!.values())
    expect([instance.failures, instance.losses]).toEqual([0, 0]);
});

test("a project takes its share back from preemptible work of one that holds more, down to that one's share", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  bench.submit(one("a", { preemptible: true, map: mapOver(4) }, 0, "lent"));
  const stopped: string[] = [];
  const take = (batch: ReturnType<Bench["settle"]>) => {
    for (const { order } of batch.stop) stopped.push(order.key);
    return batch;
  };
  take(bench.submit(one("b", { preemptible: true, map: mapOver(4) }, 0, "owner")));
  for (let i = 0; i < stopped.length && i < 10; i += 1)
    take(bench.end("n1", key(stopped[i]!), { kind: "lost", reason: "preempted" }));
  expect(stopped).toHaveLength(2);
  expect(stopped.every((name) => name.startsWith("a."))).toBe(true);
  const usage = ["lent", "owner"].map((name) => bench.state.projects.get(name)!.usage.cpuMillis);
  expect(usage).toEqual([2000, 2000]);
});

function ganged(bench: Bench, racks: Record<string, string>) {
  for (const [node, rack] of Object.entries(racks))
    bench.step({
      kind: "nodeJoined",
      node: node as NodeId,
      name: node,
      labels: { rack },
      address: `${node}.test`,
      capacity: capacity(2),
    });
  return bench.settle();
}

test("a gang starts whole, on nodes of their own, in one rack where one is large enough, and knows where to meet", () => {
  const bench = new Bench();
  ganged(bench, { n1: "a", n2: "b", n3: "b" });
  const { assign } = bench.submit(one("g", { nodes: 2 }));
  expect(assign.map(({ node, assignment }) => [node, assignment.gang?.rank])).toEqual([
    ["n2", 0],
    ["n3", 1],
  ]);
  expect(
    new Set(assign.map(({ assignment }) => `${assignment.gang!.masterAddress}:${assignment.gang!.masterPort}`)).size,
  ).toBe(1);
  expect(assign[1]!.assignment.gang).toMatchObject({ size: 2, masterAddress: "n2.test" });
  bench.submit(one("fill", { map: mapOver(3) }));
  expect(assigned(bench.submit(one("h", { nodes: 3, resources: asks(2) })))).toEqual([]);
  expect(why(bench, "h")).toMatchObject({ kind: "gang", message: expect.stringContaining("short of") });
});

test("one failing member ends the attempt of all; they run again together, and fail together in the end", () => {
  const bench = new Bench();
  ganged(bench, { n1: "a", n2: "a" });
  const retries = retriesOf({ limit: 1 });
  bench.submit(one("g", { nodes: 2, retries }));
  for (const [node, index] of [
    ["n1", 0],
    ["n2", 1],
  ] as const)
    bench.start(node, key(`g.t.${index}.1`));
  const failed = bench.end("n1", key("g.t.0.1"), FAILED, { message: "exit code 3", exitCode: 3 });
  expect(failed.stop.map(({ order }) => [order.key, order.reason])).toEqual([["g.t.1.1", "gang"]]);
  expect(rows(failed)).toEqual(["t.0#1 ending"]);
  expect(assigned(bench.end("n2", key("g.t.1.1"), { kind: "stopped", reason: "gang" }))).toEqual([
    "g.t.0.2@n1",
    "g.t.1.2@n2",
  ]);
  bench.end("n1", key("g.t.0.2"));
  const last = bench.end("n2", key("g.t.1.2"), FAILED, { message: "exit code 4", exitCode: 4 });
  expect(last.jobs).toMatchObject([{ state: "failed", reason: expect.stringContaining("exit code 4") }]);
});

test("a gang whose machine dies runs again on other nodes, all members, and no retry is spent", () => {
  const bench = new Bench();
  ganged(bench, { n1: "a", n2: "a", n3: "a" });
  const first = bench.submit(one("g", { nodes: 2, resources: asks(2) }));
  const [lost, kept] = first.assign.map(({ node }) => node);
  const nodes = ["n1", "n2", "n3"].filter((node) => node !== lost);
  bench.start(kept!, key("g.t.1.1"));
  for (let i = 0; i < 4; i += 1) {
    for (const node of nodes) bench.hear(node, node === kept ? [key("g.t.1.1")] : []);
    bench.pass(9_000);
  }
  const again = bench.end(kept!, key("g.t.1.1"), { kind: "stopped", reason: "gang" });
  expect(again.assign.map(({ node }) => node).toSorted()).toEqual(nodes.toSorted());
  expect(again.assign.map(({ assignment }) => assignment.ref.attempt)).toEqual([2, 2]);
});

test("a new leader knows gangs, choices, settings and projects as the old one did", () => {
  const before = new Bench();
  const tasks = new Map<string, TaskRow>();
  const nodes = new Map<string, NodeRow>();
  const take = (batch: ReturnType<Bench["settle"]>) => {
    for (const row of batch.tasks) tasks.set(`${row.job}.${row.task}.${row.index}`, row);
    for (const row of batch.nodes) nodes.set(row.id, row);
    return batch;
  };
  take(ganged(before, { n1: "a", n2: "a" }));
  const spec = pipeline(task("t", { nodes: 2 }));
  const { jobsNew, jobs } = take(before.submit(job("g", spec)));
  take(before.start("n1", key("g.t.0.1")));
  take(before.end("n1", key("g.t.0.1"), FAILED, { exitCode: 1 }));
  take(configure(before, "n2", { taints: ["x"] }));
  const config = { leaseMs: 30_000, skewMs: 1000, silentHeartbeatsMax: 2, random: () => 0.5 };
  const settings = { name: "p", weight: 2, quota: { cpuMillis: 1, memoryBytes: null, gpuMillis: null } };
  const rowsOf = {
    jobs: [{ row: jobsNew[0]!, progress: jobs[0]! }],
    tasks: [...tasks.values()],
    maps: [],
    nodes: [...nodes.values()],
    projects: [settings],
    rates: [],
  };
  const after = new Bench({}, restore(config, rowsOf, before.nowMs));
  expect(after.settle().stop.map(({ order }) => order.key)).toEqual(["g.t.1.1"]);
  expect(after.state.projects.get("p")!.settings).toEqual(settings);
  expect(after.state.nodes.get("n2" as NodeId)!.settings.taints).toEqual(["x"]);
  expect(after.end("n2", key("g.t.1.1"), { kind: "stopped", reason: "gang" }).jobs).toMatchObject([
    { state: "failed" },
  ]);
});

test("an attempt that its node knows nothing of is made again at once a few times, and then with pauses", () => {
  const bench = new Bench();
  bench.join("n1");
  bench.submit(one("a", {}));
  const unknown = (attempt: number) => {
    bench.step({ kind: "attemptUnknown", node: "n1" as NodeId, key: key(`a.t.0.${attempt}`) });
    return assigned(bench.settle());
  };
  for (const attempt of [1, 2, 3]) expect(unknown(attempt)).toEqual([`a.t.0.${attempt + 1}@n1`]);
  expect(unknown(4)).toEqual([]);
  bench.hear("n1");
  expect(assigned(bench.pass(25_000))).toEqual(["a.t.0.5@n1"]);
});

test("short tasks of a project with a quota do not queue at nodes, where they would pass it as they move up", () => {
  const bench = new Bench();
  bench.join("n1", capacity(4));
  const quota = { cpuMillis: 2000, memoryBytes: null, gpuMillis: null };
  bench.step({ kind: "projectChanged", settings: { name: "p", weight: 1, quota } });
  const [other] = assigned(bench.submit(one("other", { resources: asks(3) })));
  const begun = assigned(bench.submit(one("a", { map: mapOver(50) }, 0, "p")));
  expect(begun).toHaveLength(1);
  // It is known to be short from now on.
  bench.end("n1", key("a.t.0.1"), SUCCEEDED, { startedAtMs: bench.nowMs - 1, endedAtMs: bench.nowMs });
  bench.end("n1", key(other!.split("@")[0]!));
  expect(bench.state.projects.get("p")!.usage.cpuMillis).toBe(2000);
  expect(bench.state.nodes.get("n1" as NodeId)!.attempts.size).toBe(2);
});

test("thousands of classes that find no room do not keep the scheduler awake", () => {
  const bench = new Bench();
  bench.join("n1", capacity(1));
  bench.submit(one("first", {}));
  const tasks = Array.from({ length: PLACED_PER_ROUND_MAX + 1 }, (_, i) => task(`t${i}`, { timeoutMs: i + 1 }));
  bench.step({ kind: "jobSubmitted", job: job("many", pipeline(...tasks)) });
  bench.settle();
  expect(bench.state.placementDue).toBe(false);
});
