import { expect, test } from "vitest";
import { complete, type TaskDraft } from "./canonical.ts";
import { LIMITS } from "./limits.ts";
import { checkPipeline } from "./rules.ts";

type Draft = Partial<TaskDraft> & { name: string };
const script = { kind: "script", script: "true" } as const;
const issuesOf = (...tasks: Draft[]): string[] =>
  checkPipeline(complete({ name: "p", params: {}, tasks: tasks.map((task) => ({ run: script, ...task })) })).map(
    ({ path, message }) => `${path.join(".")}: ${message}`,
  );
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("a pipeline in order has no issues", () => {
  expect(
    issuesOf({ name: "a", outputs: { o: "x" } }, { name: "b", inputs: { i: { task: "a", output: "o" } } }),
  ).toEqual([]);
});

test.each<[string, Draft[], string]>([
  ["no task", [], "tasks: the pipeline has no tasks; give at least one"],
  ["two tasks of one name", [{ name: "a" }, { name: "a" }], 'tasks.a: task "a" is defined twice; rename one'],
  ["a name that no folder can have", [{ name: "a/b" }], 'tasks.a/b: task name "a/b" is not allowed'],
  ["no name", [{ name: "" }], "tasks.: a task has no name; a name is a letter"],
  [
    "a script of spaces",
    [{ name: "a", run: { kind: "script", script: " \n" } }],
    'tasks.a.run: task "a" has nothing to run',
  ],
  [
    "an argument with a zero byte",
    [{ name: "a", run: { kind: "command", argv: ["x", "a\0"] } }],
    'tasks.a.run: the command of task "a" holds a zero byte',
  ],
  [
    "a script of 100 kB",
    [{ name: "a", run: { kind: "script", script: "x".repeat(100_001) } }],
    'tasks.a.run: the script of task "a" has 100001 bytes; at most 100000 are allowed',
  ],
  [
    "too many CPUs",
    [{ name: "a", resources: { cpus: 1e9 } }],
    "tasks.a.resources.cpus: 1000000000 CPUs are asked for; 0.001 to 10000 would be right",
  ],
  [
    "CPUs that are no number",
    [{ name: "a", resources: { cpus: NaN } }],
    "tasks.a.resources.cpus: NaN CPUs are asked for",
  ],
  [
    "negative memory",
    [{ name: "a", resources: { memoryBytes: -5 } }],
    "tasks.a.resources.memory: -5 bytes of memory are asked for; 0 to 1PiB would be right",
  ],
  [
    "negative memory that went through a uint64",
    [{ name: "a", resources: { memoryBytes: 2 ** 64 - 5 } }],
    "tasks.a.resources.memory: 18446744073709552000 bytes",
  ],
  [
    "a retry for ever",
    [{ name: "a", retries: { limit: 1e6 } }],
    "tasks.a.retries.limit: 1000000 retries; a whole number from 0 to 1000 would be right",
  ],
  [
    "a longest backoff below the first",
    [{ name: "a", retries: { backoffMs: 5_000, backoffMsMax: 1_000 } }],
    "tasks.a.retries.maxBackoff: a longest backoff of 1000ms; at least the backoff (5000ms)",
  ],
  [
    "a timeout of a thousand years",
    [{ name: "a", timeoutMs: 3e13 }],
    "tasks.a.timeout: a timeout of 30000000000000ms; up to 365d would be right",
  ],
  [
    "env of more than 64 kB",
    [{ name: "a", env: { A: "x".repeat(40_000), B: "x".repeat(40_000) } }],
    "tasks.a.env: the variables have 80006 bytes; at most 64000 are allowed",
  ],
  [
    "a variable that Weft sets",
    [{ name: "a", env: { CUDA_VISIBLE_DEVICES: "0" } }],
    "tasks.a.env.CUDA_VISIBLE_DEVICES: variable CUDA_VISIBLE_DEVICES is set by Weft",
  ],
  [
    "an output among the inputs",
    [{ name: "a", outputs: { o: "inputs/x" } }],
    'tasks.a.outputs.o: the path "inputs/x" of output "o" is in inputs/',
  ],
  [
    "an output that is a dot",
    [{ name: "a", outputs: { o: "./x" } }],
    'tasks.a.outputs.o: the path "./x" of output "o" is not a plain path',
  ],
  [
    "two outputs of one path",
    [{ name: "a", outputs: { o: "x", p: "x/" } }],
    'tasks.a.outputs.p: outputs "o" and "p" have the same path "x"; give each its own',
  ],
  ["a template in an output", [{ name: "a", outputs: { o: "{{ map.i }}" } }], "which is put in only in run and env"],
  [
    "files outside",
    [{ name: "a", files: ["../x"] }],
    'tasks.a.files.0: the pattern "../x" leads out of the pipeline\'s folder',
  ],
  [
    "a lock file outside",
    [{ name: "a", environment: { kind: "node", lock: "/x" } }],
    'tasks.a.environment.node: "/x" is not a path below the pipeline\'s folder',
  ],
  [
    "an image by its tag",
    [{ name: "a", environment: { kind: "container", image: "python:3.12" } }],
    'tasks.a.environment.image: "python:3.12" does not say which image by its digest',
  ],
  [
    "a version of Python that is none",
    [{ name: "a", environment: { kind: "python", lock: "r.txt", version: ">=3.9" } }],
    'tasks.a.environment.pythonVersion: ">=3.9" is no version of Python; write one like "3.11"',
  ],
  [
    "map names that collide",
    [
      {
        name: "a",
        map: [
          { name: "x-y", values: [1] },
          { name: "X_Y", values: [1] },
        ],
      },
    ],
    "would both become the variable …_X_Y",
  ],
  [
    "too many instances",
    [
      {
        name: "a",
        map: [
          { name: "i", values: numbers(400) },
          { name: "j", values: numbers(400) },
        ],
      },
    ],
    "tasks.a.map: makes 400 × 400 = 160000 instances; at most 100000 are allowed",
  ],
  [
    "too much fan-in",
    [
      { name: "a", outputs: { o: "x" }, map: [{ name: "i", values: numbers(5_000) }] },
      { name: "b", inputs: { i: { task: "a", output: "o" } } },
    ],
    'tasks.b.inputs: task "b" takes 5000 artifacts from mapped tasks; at most 4000 are allowed',
  ],
  [
    "too many instances in all",
    Array.from({ length: 11 }, (_, i) => ({ name: `t${i}`, map: [{ name: "i", values: numbers(99_999) }] })),
    "tasks: the pipeline has 1099989 task instances; at most 1000000 are allowed",
  ],
  [
    "too much text in all",
    Array.from({ length: 150 }, (_, i) => ({
      name: `t${i}`,
      run: { kind: "script" as const, script: "x".repeat(99_000) },
    })),
    "tasks: the pipeline has about",
  ],
])("%s is refused", (_, tasks, message) => {
  expect(issuesOf(...tasks).join("\n")).toContain(message);
});

test("at most so many issues are named", () => {
  const tasks = Array.from({ length: 1_000 }, (_, i) => ({ name: `t${i}`, needs: [`gone${i}`] }));
  expect(issuesOf(...tasks)).toHaveLength(LIMITS.issues);
});

test("100,001 tasks are refused at once, and 10,000 are checked in a second", () => {
  const many = (count: number): Draft[] =>
    numbers(count).map((i) => ({ name: `t${i}`, needs: i > 0 ? [`t${i - 1}`] : [] }));
  expect(issuesOf(...many(100_001))[0]).toContain("the pipeline has 100001 tasks; at most 100000 are allowed");
  const startedAt = performance.now();
  expect(issuesOf(...many(10_000))).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});
