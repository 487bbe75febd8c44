import { expect, test } from "vitest";
import { check } from "../../scheduler/core/index.ts";
import { figuresOf, jain, quantile } from "./figures.ts";
import { POLICIES } from "./policies/policies.ts";
import { Weft } from "./policies/weft.ts";
import type { Policy, PolicyKind } from "./policy.ts";
import { replay, RESUME_MS } from "./replay.ts";
import { chance } from "./trace.ts";
import { type Machine, Shapes, type TraceJob, type Workload } from "./workload.ts";

const shapes = new Shapes();

function machine(name: string, gpus: number, parts: Partial<Machine> = {}): Machine {
  return { name, cpuMillis: 8000, memoryBytes: 2 ** 36, gpus, model: gpus > 0 ? "P100" : "", ...parts };
}

/** `gpuMillis` are each member's. */
function job(
  name: string,
  arrivalS: number,
  runS: number,
  gpuMillis: number,
  parts: { project?: string; members?: number; cpuMillis?: number } = {},
): TraceJob {
  const { project = "a", members = 1, cpuMillis = 1000 } = parts;
  const shape = shapes.of({ cpuMillis, memoryBytes: 0, gpuMillis, models: [], members });
  return { name, project, arrivalMs: arrivalS * 1000, runMs: runS * 1000, shape };
}

function workload(machines: readonly Machine[], jobs: readonly TraceJob[]): Workload {
  return { name: "test", machines, jobs: jobs.toSorted((a, b) => a.arrivalMs - b.arrivalMs), notes: [] };
}

function policy(name: string): PolicyKind {
  return POLICIES.find((one) => one.name === name)!;
}

function run(name: string, given: Workload) {
  return replay(given, policy(name), { wallClock: () => 0 });
}

/** Seconds from the start at which each job ended. */
function ends(name: string, given: Workload): Record<string, number> {
  return Object.fromEntries(run(name, given).runs.map(({ job: of, endedMs }) => [of.name, endedMs! / 1000]));
}

const BLOCKED = workload(
  [machine("m", 2)],
  [job("running", 0, 100, 1000), job("big", 10, 100, 2000), job("small", 20, 50, 1000)],
);

test("strict first come first served keeps a small job behind a big one; passing over lets it start", () => {
  expect(ends("fifo-first-fit", BLOCKED)).toEqual({ running: 100, big: 200, small: 250 });
  expect(ends("first-fit", BLOCKED)).toEqual({ running: 100, big: 200, small: 70 });
});

test("figures are what the hand computes", () => {
  // Loaded interval: 0 to 20 s (the last arrival). One of two GPUs is used; 10 s of it the big job waits.
  const figures = figuresOf(run("fifo-first-fit", BLOCKED));
  expect(figures).toMatchObject({
    jobs: 3,
    gpuUtilisation: 0.5,
    gpuUtilisationWhileWaiting: 0.5,
    // 0, 90 and 180 s.
    waitMeanSeconds: 90,
    waitP50Seconds: 90,
    waitP99Seconds: 180,
    // 100, 190 and 230 s.
    jobCompletionMeanSeconds: 173.3,
    jobCompletionP50Seconds: 190,
    makespanSeconds: 250,
    // Two of three typical jobs ask for one GPU and could use the free one; the third for two, and could not.
    fragmentation: 0.1667,
    fragmentationOfFree: 0.3333,
    preemptions: 0,
  });
});

test("fairness is Jain's index over what each project had of what it wanted", () => {
  const given = workload(
    [machine("m", 1)],
    [
      job("first", 0, 1000, 1000, { project: "a" }),
      job("second", 0, 10, 1000, { project: "b" }),
      job("last", 10, 1, 0),
    ],
  );
  // a has all it wants, b nothing: (1 + 0)² / (2 · (1 + 0)).
  expect(figuresOf(run("first-fit", given)).fairnessJain).toBe(0.5);
  expect(jain([1, 1, 1])).toBe(1);
  expect(jain([])).toBe(1);
});

test("a quantile is the nearest rank", () => {
  expect([0.5, 0.99, 0.01].map((of) => quantile([1, 2, 3, 4], of))).toEqual([2, 4, 1]);
});

test("shares of one device are packed on the fullest that has room", () => {
  const given = workload([machine("m", 2)], [job("a", 0, 100, 600), job("b", 1, 100, 400), job("whole", 2, 10, 1000)]);
  for (const name of ["weft", "best-fit", "fgd", "first-fit"]) expect(ends(name, given)["whole"]).toBe(12);
});

test("the fragmentation gradient leaves whole machines for those who need them", () => {
  const machines = [machine("a", 2), machine("b", 2, { cpuMillis: 4000 })];
  // Typical jobs ask for two GPUs. The first machine of the list would lose its pair; the other has lost it already.
  const given = workload(machines, [
    job("odd", 0, 100, 1000, { cpuMillis: 4000 }),
    ...Array.from({ length: 4 }, (_, i) => job(`pair${i}`, 1 + 100 * i, 10, 2000, { cpuMillis: 5000 })),
  ]);
  expect(ends("fgd", given)["pair0"]).toBe(11);
  expect(ends("first-fit", given)["pair0"]).toBe(110);
});

test("shortest job first serves the shorter one", () => {
  const given = workload(
    [machine("m", 1)],
    [job("now", 0, 10, 1000), job("long", 1, 100, 1000), job("short", 2, 5, 1000)],
  );
  expect(ends("sjf", given)).toEqual({ now: 10, short: 15, long: 115 });
});

test("max-min serves the project that holds less", () => {
  const given = workload(
    [machine("m", 2)],
    [
      job("a1", 0, 100, 1000, { project: "a" }),
      job("a2", 0, 50, 1000, { project: "a" }),
      job("a3", 1, 100, 1000, { project: "a" }),
      job("b1", 2, 100, 1000, { project: "b" }),
    ],
  );
  expect(ends("max-min", given)).toMatchObject({ b1: 150, a3: 200 });
});

test("Tiresias stops what has had its hour for a newcomer, and resumes it with what it had done", () => {
  const given = workload([machine("m", 1)], [job("long", 0, 7200, 1000), job("new", 5000, 100, 1000)]);
  expect(ends("tiresias", given)).toEqual({ new: 5100, long: 7300 + RESUME_MS / 1000 });
  expect(run("tiresias", given).preemptions).toBe(1);
});

test("a gang starts on as many machines as it has members, all or none", () => {
  const given = workload(
    [machine("m", 8), machine("n", 8)],
    [job("one", 0, 100, 1000), job("gang", 1, 10, 8000, { members: 2 }), job("late", 2, 10, 1000)],
  );
  for (const name of ["weft", "best-fit", "fgd", "tiresias"]) expect(ends(name, given)["gang"]).toBe(110);
});

test("Weft gives a preempted job back what it had done", () => {
  const given = workload(
    [machine("m", 2)],
    [
      job("a1", 0, 1000, 1000, { project: "a" }),
      job("a2", 0, 1000, 1000, { project: "a" }),
      job("b", 100, 100, 1000, { project: "b" }),
    ],
  );
  const { runs, preemptions } = run("weft-preempt", given);
  expect(preemptions).toBe(1);
  expect(runs.find((one) => one.job.name === "b")!.endedMs).toBe(200_000);
  // Stopped for 100 s, and a minute to start again.
  expect(runs.reduce((last, { endedMs }) => Math.max(last, endedMs!), 0)).toBe(1_100_000 + RESUME_MS);
});

function crowd(seed: number): Workload {
  const random = chance(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const machines = Array.from({ length: 6 }, (_, i) => machine(`m${i}`, pick([0, 2, 4, 8])));
  machines.push(machine("big", 8), machine("big2", 8));
  const jobs = Array.from({ length: 300 }, (_, i) => {
    const members = random() < 0.05 ? 2 : 1;
    const gpuMillis = members > 1 ? 4000 : pick([0, 250, 500, 1000, 1000, 2000, 8000]);
    const cpuMillis = pick([500, 1000, 2000]);
    return job(`j${i}`, i * 20, 1 + Math.floor(random() * 2000), gpuMillis, {
      project: pick(["a", "b", "c"]),
      members,
      cpuMillis,
    });
  });
  return workload(machines, jobs);
}

test.each(POLICIES.map(({ name }) => name))("%s ends every job, over nobody's capacity, the same each time", (name) => {
  const given = crowd(7);
  const first = ends(name, given);
  expect(Object.keys(first)).toHaveLength(300);
  expect(ends(name, given)).toEqual(first);
});

test("the scheduler's own invariants hold after each round of a replay", () => {
  let rounds = 0;
  const kind: PolicyKind = {
    name: "weft-checked",
    about: "",
    make: (desk) => {
      const weft = new Weft(desk, { preemptible: true, limits: true });
      const checked: Policy = {
        submitted: (one, nowMs) => weft.submitted(one, nowMs),
        ended: (one, places, nowMs) => weft.ended(one, places, nowMs),
        nextMs: (nowMs) => weft.nextMs(nowMs),
        round: (nowMs) => {
          weft.round(nowMs);
          rounds += 1;
          expect(check(weft.state)).toEqual([]);
        },
      };
      return checked;
    },
  };
  replay(crowd(11), kind, { wallClock: () => 0 });
  expect(rounds).toBeGreaterThan(300);
});
