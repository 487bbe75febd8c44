import { PLAIN_FLOW } from "./flow.ts";
import { expect, test } from "vitest";
import { fromProto, toProto } from "./canonical.ts";
import { formatIssue } from "./source.ts";
import type { PipelineSpec } from "./spec.ts";
import { readPipeline } from "./yaml.ts";

const read = (text: string): PipelineSpec => {
  const result = readPipeline(text, "weft.yaml");
  if (!result.ok) throw new Error(result.issues.map((issue) => formatIssue("weft.yaml", issue)).join("\n"));
  return result.spec;
};
const errors = (text: string): string[] => {
  const result = readPipeline(text, "weft.yaml");
  return result.ok ? [] : result.issues.map((issue) => formatIssue("weft.yaml", issue).split("\n")[0]!);
};

const WHOLE = `
pipeline: flight-delay
params: { horizon_days: 7, note: "it's", off: false, none: null }
x-small: &small { cpus: 500m, memory: 1GiB }
tasks:
  features:
    run: node features.mjs
    outputs: { table: features.parquet }
    resources: *small
  train:
    needs: features
    inputs: { table: features.table }
    map: { seed: [1, 2, 3, 4], kind: [linear, tree] }
    run: |
      python train.py --seed {{ map.seed }} \\
        --in {{ inputs.table }}
    resources: { <<: *small, gpus: 1, disk: 10GB }
    outputs: { model: out/model/ }
    retries: { limit: 3, backoff: 10s, maxBackoff: 2m, exitCodes: [137, 75] }
    timeout: 2h
    stopGrace: 30s
    env: { LEVEL: 3, NAME: "{{ params.note }}" }
    files: ["*.py", "lib/**"]
    environment: { node: package-lock.json }
  best:
    inputs: { models: train.model }
    run: [python, best.py, "{{ inputs.models }}"]
    retries: 2
`;

test("a pipeline is read with its units, short forms and anchors, and its defaults are filled in", () => {
  const spec = read(WHOLE);
  expect(spec.params).toEqual({ horizon_days: 7, note: "it's", off: false, none: null });
  expect(spec.tasks[1]).toMatchObject({
    name: "train",
    run: { kind: "script", script: "python train.py --seed {{ map.seed }} \\\n  --in {{ inputs.table }}\n" },
    needs: ["features"],
    inputs: { table: { task: "features", output: "table" } },
    outputs: { model: "out/model/" },
    resources: { cpuMillis: 500, memoryBytes: 1024 ** 3, diskBytes: 10e9, gpuMillis: 1000, gpu: null },
    map: [
      { name: "seed", values: [1, 2, 3, 4] },
      { name: "kind", values: ["linear", "tree"] },
    ],
    retries: { limit: 3, backoffMs: 10_000, backoffMsMax: 120_000, exitCodes: [75, 137], reasons: [], crashes: 5 },
    timeoutMs: 7_200_000,
    env: { LEVEL: "3", NAME: "{{ params.note }}" },
    files: ["*.py", "lib/**"],
    environment: { kind: "node", lock: "package-lock.json" },
    stopGraceMs: 30_000,
    flow: PLAIN_FLOW,
  });
  expect(spec.tasks[2]).toMatchObject({
    name: "best",
    run: { kind: "command", argv: ["python", "best.py", "{{ inputs.models }}"] },
    needs: ["train"],
    inputs: { models: { task: "train", output: "model" } },
    outputs: {},
    resources: { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0, gpuMillis: 0, gpu: null },
    map: [],
    retries: { limit: 2, backoffMs: 1_000, backoffMsMax: 300_000, exitCodes: [], reasons: [], crashes: 5 },
    timeoutMs: 0,
    env: {},
    files: [],
    environment: { kind: "none" },
    stopGraceMs: 10_000,
    flow: PLAIN_FLOW,
  });
});

test("what a task asks of its nodes is read: devices, alternatives, placement, gangs", () => {
  const spec = read(`pipeline: p
project: vision
priority: high
tasks:
  train:
    run: x
    resources: { gpus: 0.5, gpuMemory: 16GiB, gpuModel: [H100, A100], computeCapability: "8.0", gpuDriver: "535.1" }
    alternatives:
      - { gpus: 1, mig: 1g.10gb }
      - { cpus: 16 }
    placement:
      labels: { zone: [a, b], ssd: "*" }
      notLabels: { old: "yes" }
      tolerations: [team=vision, noisy]
      pool: big
    nodes: 2
    preemptible: true
    checkpoint: { every: 90s }
`);
  expect([spec.project, spec.priority]).toEqual(["vision", 100]);
  const any = { memoryBytes: 0, models: [], computeCapability: "", driver: "", mig: "" };
  const cpus = { cpuMillis: 1000, memoryBytes: 0, diskBytes: 0 };
  expect(spec.tasks[0]).toMatchObject({
    resources: {
      ...cpus,
      gpuMillis: 500,
      gpu: {
        memoryBytes: 16 * 1024 ** 3,
        models: ["H100", "A100"],
        computeCapability: "8.0",
        driver: "535.1",
        mig: "",
      },
    },
    alternatives: [
      { ...cpus, gpuMillis: 1000, gpu: { ...any, mig: "1g.10gb" } },
      { ...cpus, cpuMillis: 16_000, gpuMillis: 0, gpu: null },
    ],
    placement: {
      labels: [
        { key: "zone", values: ["a", "b"], refused: false },
        { key: "ssd", values: [], refused: false },
        { key: "old", values: ["yes"], refused: true },
      ],
      tolerations: ["team=vision", "noisy"],
      pool: "big",
    },
    nodes: 2,
    preemptible: true,
    checkpoint: true,
    checkpointEveryMs: 90_000,
  });
});

test("a pipeline goes into its message and back unchanged", async () => {
  const { packageDefinition } = await import("../../../proto/channel.ts");
  const submit = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: { requestSerialize(v: object): Buffer; requestDeserialize(b: Buffer): { pipeline: never } };
  };
  const spec = read(WHOLE);
  const bytes = submit.Submit.requestSerialize({ pipeline: toProto(spec) });
  expect(fromProto(submit.Submit.requestDeserialize(bytes).pipeline)).toEqual({ ok: true, spec });
});

test("one thing wrong is shown with its line, its column and its place", () => {
  const result = readPipeline(WHOLE.replace("memory: 1GiB", "memory: 1gib"), "weft.yaml");
  expect(result.ok ? [] : result.issues.map((issue) => formatIssue("weft.yaml", issue))).toEqual([
    `weft.yaml:4:39: memory: "gib" is not a unit of size (did you mean 1GiB?); write a size like 512MB, 8GiB, or a plain number of bytes
  3 | params: { horizon_days: 7, note: "it's", off: false, none: null }
> 4 | x-small: &small { cpus: 500m, memory: 1gib }
    |                                       ^`,
    `weft.yaml:4:39: memory: "gib" is not a unit of size (did you mean 1GiB?); write a size like 512MB, 8GiB, or a plain number of bytes
  3 | params: { horizon_days: 7, note: "it's", off: false, none: null }
> 4 | x-small: &small { cpus: 500m, memory: 1gib }
    |                                       ^`,
  ]);
});

const task = (lines: string): string =>
  `pipeline: p\ntasks:\n  a:\n    run: "true"\n    outputs: { out: x.txt }\n${lines}`;

test.each([
  ["an unknown key", task("    retrys: 3"), `6:5: "retrys" is not known in task "a" (did you mean "retries"?)`],
  ["a key of later", task("    secrets: [a]"), `6:5: "secrets" is not supported yet in task "a"; take it away for now`],
  [
    "a key of later at the top",
    "pipeline: p\non: { push: {} }\ntasks: { a: { run: x } }",
    `2:7: "push" is not supported yet in "on"; take it away for now`,
  ],
  [
    "a kind of GPU without a GPU",
    task("    resources: { gpuMemory: 16GiB }"),
    `6:5: says what its GPUs must be and asks for none; add "gpus: 1"`,
  ],
  [
    "two environments",
    task("    environment: { node: package-lock.json, python: requirements.lock }"),
    `6:45: "node" and "python" are given; a task has one environment: keep one`,
  ],
  [
    "a version of Python without packages",
    task("    environment: { pythonVersion: 3.10 }"),
    `6:20: "pythonVersion" is given without "python"; name a requirements file, which may be empty`,
  ],
  [
    "an unknown need",
    task("  b: { run: x, needs: [a, aa] }"),
    `6:27: task "b" needs "aa", which does not exist (did you mean "a"?)`,
  ],
  [
    "an input of an unknown task",
    task("  b: { run: x, inputs: { t: aa.out } }"),
    `6:29: input "t" comes from task "aa", which does not exist (did you mean "a"?)`,
  ],
  [
    "an unknown output",
    task("  b: { run: x, inputs: { t: a.oot } }"),
    `6:29: task "a" has no output "oot" (did you mean "out"?)`,
  ],
  [
    "an input without an output's name",
    task("  b: { run: x, inputs: { t: a } }"),
    `6:29: input "t" is "a"; "task.output" would be right, like "features.table", a data set like "dataset:flights@3", or a URI (https://, s3://, file://)`,
  ],
  [
    "a cycle",
    task("    needs: [c]\n  b: { run: x, needs: [a] }\n  c: { run: x, needs: [b] }"),
    `6:12: the tasks need each other in a circle: a → b → c → a; take one of the needs away`,
  ],
  ["a task that needs itself", task("    needs: [a]"), `6:12: task "a" needs itself; take one of the needs away`],
  ["a duplicate task", task("  a: { run: x }"), `6:3: "a" stands here for the second time; keep one of the two`],
  [
    "a name with a dot",
    "pipeline: p\ntasks:\n  a.b: { run: x }",
    `3:3: task name "a.b" is not allowed; a name is a letter, then letters, digits, - and _, 63 characters in all at most`,
  ],
  [
    "no unit of time",
    task("    timeout: 10"),
    `6:14: timeout: 10 has no unit; write a duration with its unit, like 250ms, 10s, 1.5m, 2h or 7d (did you mean 10s?)`,
  ],
  [
    "a timeout of nothing",
    task("    timeout: 0s"),
    `6:14: "timeout" is 0; a time above 0 would be right (leave it out for no limit)`,
  ],
  [
    "memory without a unit",
    task("    resources: { memory: 512 }"),
    `6:26: 512 bytes of memory are too few for any process; did you leave out the unit, like 512MiB?`,
  ],
  ["negative CPUs", task("    resources: { cpus: -2 }"), `6:24: -2 CPUs are asked for; 0.001 to 10000 would be right`],
  ["no CPUs", task("    resources: { cpus: 0 }"), `6:24: 0 CPUs are asked for; 0.001 to 10000 would be right`],
  [
    "one and a half GPUs",
    task("    resources: { gpus: 1.5 }"),
    `6:24: 1.5 GPUs are asked for; a share is always on one device: a whole number from 0 to 1024, or a share of one device from 0.001 to 1, would be right`,
  ],
  [
    "nothing to run",
    "pipeline: p\ntasks:\n  a: { needs: [] }",
    `3:3: task "a" does not say what to run; add "run:" with a script or a list of arguments`,
  ],
  [
    "an absolute output",
    "pipeline: p\ntasks:\n  a: { run: x, outputs: { o: /tmp/x } }",
    `3:30: the path "/tmp/x" of output "o" is absolute; write a path below the task's folder, like "out/table.parquet", or "model/" for a folder`,
  ],
  [
    "an output outside",
    "pipeline: p\ntasks:\n  a: { run: x, outputs: { o: ../x } }",
    `3:30: the path "../x" of output "o" leads out of the task's folder; write a path below the task's folder, like "out/table.parquet", or "model/" for a folder`,
  ],
  [
    "a reserved variable",
    task("    env: { WEFT_JOB_ID: x }"),
    `6:25: variable WEFT_JOB_ID is set by Weft; choose another name`,
  ],
  [
    "a variable with a dash",
    task("    env: { A-B: x }"),
    `6:17: "A-B" is not a variable's name; letters, digits and _ would be right, not beginning with a digit`,
  ],
  [
    "a variable without value",
    task("    env:\n      A:"),
    `7:7: "A" has no value; a text would be right ("" for an empty one)`,
  ],
  [
    "params that collide",
    "pipeline: p\nparams: { a-b: 1, a_b: 2 }\ntasks: { a: { run: x } }",
    `2:24: parameters "a-b" and "a_b" would both become the variable …_A_B; rename one`,
  ],
  [
    "an unknown parameter in a script",
    "pipeline: p\nparams: { rate: 1 }\ntasks:\n  a:\n    run: |\n      echo {{ params.rat }}",
    `5:5: {{ params.rat }}: there is no parameter "rat" (did you mean "rate"?)`,
  ],
  [
    "a huge map",
    `pipeline: p\ntasks:\n  a:\n    run: x\n    map: { ${["i", "j", "k"].map((d) => `${d}: [${Array.from({ length: 50 }, (_, i) => i).join(",")}]`).join(", ")} }`,
    `5:5: makes 50 × 50 × 50 = 125000 instances; at most 100000 are allowed`,
  ],
  [
    "an empty map",
    task("    map: { seed: [] }"),
    `6:18: map dimension "seed" has no values, so the task would never run; give at least one`,
  ],
  [
    "a map of one value",
    task("    map: { seed: 3 }"),
    `6:18: "seed" is 3; a list of values would be right, like [1, 2, 3]`,
  ],
  [
    "tasks in a list",
    "pipeline: p\ntasks:\n  - run: x",
    `3:3: "tasks" is a list; a mapping (name: value) would be right`,
  ],
  [
    "a number that is too large",
    "pipeline: p\nparams: { id: 12345678901234567890 }\ntasks: { a: { run: x } }",
    `2:15: parameter "id" 12345678901234567890 is too large to be kept exactly; put it in quotes`,
  ],
  [
    "a parameter that is a list",
    "pipeline: p\nparams: { id: [1] }\ntasks: { a: { run: x } }",
    `2:15: parameter "id" is a list; a string, a number, true, false or null would be right`,
  ],
  [
    "a tab",
    "pipeline: p\ntasks:\n\ta: { run: x }",
    `3:1: a tab stands where spaces indent; replace it by spaces (Tabs are not allowed as indentation)`,
  ],
  [
    "a second document",
    "pipeline: p\n---\npipeline: q",
    `2:1: a second document begins here (---); a file holds one pipeline (Source contains multiple documents; please use YAML.parseAllDocuments())`,
  ],
  [
    "an unknown alias",
    "pipeline: p\ntasks: { a: *b }",
    `2:13: there is no anchor &b before this *b; a text that begins with * is put in quotes`,
  ],
  ["a file that is a text", "hello", `1:1: the file is "hello"; a mapping (name: value) would be right`],
  [
    "an exit code of success",
    task("    retries: { limit: 1, exitCodes: [0] }"),
    `6:38: exit code 0 does not mean failure; 1 to 255 would be right`,
  ],
])("%s is refused where it stands, with what would be right", (_, text, expected) => {
  expect(errors(text)).toEqual([`weft.yaml:${expected}`]);
});

test("a missing key shows the smallest pipeline", () => {
  expect(errors("pipeline: p")[0]).toContain(`weft.yaml:1:1: "tasks" is missing; the smallest pipeline is:`);
  expect(errors("")[0]).toContain("weft.yaml:1:1: the file is empty; the smallest pipeline is:");
});

test("everything wrong is said at once, in the file's order", () => {
  expect(
    errors("pipelin: p\ntasks:\n  a: { runn: x }\n  b: { run: x, timeout: 3 }").map((line) => line.slice(0, 24)),
  ).toEqual(
    [
      'weft.yaml:1:1: "pipelin" ',
      'weft.yaml:1:1: "pipeline"',
      'weft.yaml:3:3: task "a" d',
      'weft.yaml:3:8: "runn" is ',
      "weft.yaml:4:25: timeout: ",
    ].map((line) => line.slice(0, 24)),
  );
});

test("a file of 10 MB is refused by its size, before it is parsed", () => {
  expect(errors(`pipeline: p\ntasks: {}\n#${"x".repeat(10_000_000)}`)).toEqual([
    "weft.yaml:1:1: the file has 9.5MiB; at most 9MiB are allowed (keep data in files of their own, and use a map for many like tasks)",
  ]);
});

test("aliases cannot multiply without bound", () => {
  const env = Array.from({ length: 500 }, (_, i) => `V${i}: x`).join(", ");
  const tasks = Array.from({ length: 400 }, (_, i) => `  t${i}: { run: x, env: *env }`).join("\n");
  expect(errors(`pipeline: p\nx-env: &env { ${env} }\ntasks:\n${tasks}`)[0]).toMatch(
    /aliases stand for more than 100000 values/,
  );
  expect(errors(`pipeline: p\ntasks: &t { a: *t }`)[0]).toContain("which would then hold itself");
  expect(errors(`tasks: ${"[".repeat(50_000)}`)[0]).toMatch(/nested too deeply|not closed/);
  const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nx-c: &c [*b, *b]\ntasks: *c\npipeline: p`;
  expect(errors(bomb).join("\n")).toContain('"tasks" is a list');
});

test("a pipeline of 10,000 tasks is read in seconds", () => {
  const tasks = Array.from(
    { length: 10_000 },
    (_, i) => `  t${i}:\n    run: echo ${i}\n${i > 0 ? `    needs: [t${i - 1}]\n` : ""}`,
  );
  const startedAt = performance.now();
  expect(read(`pipeline: p\ntasks:\n${tasks.join("")}`).tasks).toHaveLength(10_000);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});
