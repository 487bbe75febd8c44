import { expect, test } from "vitest";
import { fromProto } from "../../lib/core/pipeline/canonical.ts";
import { toStored } from "../../lib/core/pipeline/stored.ts";
import { weftServices } from "../../proto/channel.ts";
import type { SubmitRequest__Output } from "../../proto/gen/weft/v1/SubmitRequest.ts";
import type { TaskSpec } from "../../proto/gen/weft/v1/TaskSpec.ts";
import { toProtoValues } from "../../proto/value.ts";
import { readSharing, writeSharing } from "../../proto/submit-bytes.ts";
import { delimitedTag, wireFields, writeHead } from "../../proto/wire.ts";

const { Submit } = weftServices().JobService.service;
let whole = 0;
const read = (bytes: Buffer): SubmitRequest__Output => {
  whole = bytes.length;
  return Submit.requestDeserialize(bytes);
};
const sharing = readSharing(read) as (bytes: Buffer) => SubmitRequest__Output;

const requestOf = (tasks: TaskSpec[]) => ({
  idempotencyKey: "k",
  priority: -3,
  params: toProtoValues({ x: 1, y: "é" }),
  trigger: "test",
  pipeline: {
    name: "p",
    params: toProtoValues({ x: 2 }),
    tasks,
    project: "q",
    notify: [{ on: ["failed"], webhook: { url: "https://x.test/y" } }],
  },
});
const submit = (tasks: TaskSpec[]): Buffer => Submit.requestSerialize(requestOf(tasks));

const many = (one: (i: number) => TaskSpec): TaskSpec[] => Array.from({ length: 40 }, (_, i) => one(i));

const layers = many((i) => ({
  name: `t${i}`,
  command: ["python", "ü.py", "x".repeat(300)],
  needs: i < 10 ? [] : [`t${i - 10}`, `t${i - 9}`],
  resources: { cpus: 0.5, memoryBytes: 2 ** 40 },
  retries: { limit: 2, crashes: 0 },
  env: { A: "1", B: "zwei" },
  map: i % 2 === 0 ? [] : [{ name: "seed", values: [toProtoValues({ v: i % 4 })["v"]!] }],
  timeoutMs: 2 ** 33,
  stopGraceMs: 0,
  ...(i % 3 === 0 ? { tolerateShare: 0.25 } : {}),
}));

test("a submit whose tasks are alike is the same as when it is read whole, and little of it is read", () => {
  const bytes = submit(layers);
  expect(sharing(bytes)).toEqual(read(bytes));
  sharing(bytes);
  expect(whole).toBeLessThan(bytes.length / 3);
});

test("what comes of tasks that are alike is shared, and what is stored of them is the same", () => {
  const bytes = submit(layers);
  const [shared, alone] = [sharing(bytes), read(bytes)].map((request) => fromProto(request.pipeline!));
  expect(shared).toEqual(alone);
  if (!shared?.ok || !alone?.ok) throw new Error("they were refused");
  expect(shared.spec.tasks[12]!.run).toBe(shared.spec.tasks[0]!.run);
  expect(JSON.stringify(toStored(shared.spec))).toBe(JSON.stringify(toStored(alone.spec)));
});

test("what is wrong with tasks that are alike is said of each", () => {
  const wrong = {
    "the edge": many((i) => ({ name: `t${i}`, command: ["true"], needs: i === 7 ? ["nobody"] : [] })),
    "the name": many((i) => ({ name: i === 7 ? "-" : `t${i}`, command: ["true"] })),
    "a name twice": many((i) => ({ name: `t${i % 39}`, command: ["true"] })),
    "what it runs": many((i) => ({ name: `t${i}`, script: "a", command: ["true"] })),
    "a value": many((i) => ({ name: `t${i}`, command: ["true"], nodes: 2, env: { "9": "x" } })),
    "a result": many((i) => ({
      name: `t${i}`,
      script: "echo {{ tasks.t0.result }}",
      needs: i === 0 || i > 5 ? [] : ["t0"],
    })),
    "when it runs": many((i) => ({ name: `t${i}`, command: ["true"], when: "always", needs: i > 20 ? ["t0"] : [] })),
    "a circle": many((i) => ({ name: `t${i}`, command: ["true"], needs: [`t${(i + 1) % 40}`] })),
    "what it takes": many((i) => ({ name: `t${i}`, command: ["true"], inputs: { x: { task: "t3", output: "y" } } })),
  };
  for (const [what, tasks] of Object.entries(wrong)) {
    const bytes = submit(tasks);
    const found = fromProto(sharing(bytes).pipeline!);
    expect(found, what).toEqual(fromProto(read(bytes).pipeline!));
    expect(found.ok, what).toBe(false);
  }
});

test("bytes that no client of ours makes mean what they mean to the library", () => {
  const bytes = submit(layers);
  const twice = Buffer.concat([bytes, submit(layers.slice(0, 20))]);
  expect(sharing(twice)).toEqual(read(twice));
  const unlike = submit(many((i) => ({ name: `t${i}`, command: [`${i}`] })));
  expect(sharing(unlike)).toEqual(read(unlike));
  for (const length of [1, 50, bytes.length - 1, bytes.length - 200]) {
    const cut = bytes.subarray(0, length);
    const outcome = (of: (bytes: Buffer) => object): unknown => {
      try {
        return of(cut);
      } catch {
        return "refused";
      }
    };
    expect(outcome(sharing)).toEqual(outcome(read));
  }
});

test("a field that is another type on the wire than it is declared is read as the library reads it", () => {
  const bytes = submit(layers);
  const pipeline = wireFields(bytes, 0, bytes.length)!.find(({ tag }) => tag === delimitedTag(1))!;
  const inner = bytes.subarray(pipeline.from, pipeline.end);
  // A field of tasks as a number, 4, which the library takes for a length, and what comes behind it for a task.
  const task = Buffer.from([3 << 3, 4, delimitedTag(1), 2, 0x68, 0x69]);
  for (const parts of [
    [inner, task],
    [task, inner],
  ]) {
    const content = Buffer.concat(parts);
    const head = Buffer.alloc(10);
    const hostile = Buffer.concat([
      bytes.subarray(0, pipeline.start),
      head.subarray(0, writeHead(head, 0, delimitedTag(1), content.length)),
      content,
      bytes.subarray(pipeline.end),
    ]);
    expect(read(hostile).pipeline!.tasks).toHaveLength(41);
    expect(sharing(hostile)).toEqual(read(hostile));
  }
});

test("a task that lacks what another says to be undefined is not a copy of it", () => {
  const tasks = many((i) => ({
    name: `t${i}`,
    command: ["true"],
    ...(i === 39 ? { nodes: 2 } : { timeoutMs: undefined as never }),
  }));
  const write = writeSharing((request) => Submit.requestSerialize(request));
  expect(read(write(requestOf(tasks)))).toEqual(read(submit(tasks)));
});

test("what is written with what tasks share only once says the same as what the library writes", () => {
  let written = 0;
  const write = writeSharing((request) => {
    written += request.pipeline?.tasks?.length ?? 0;
    return Submit.requestSerialize(request);
  });
  const values = [0, 1, Number.NaN, null].flatMap((cpus) =>
    many((i) => ({
      name: `é${i}`,
      command: ["true"],
      needs: [`é${i + 1}`],
      resources: { cpus: cpus ?? 0 },
      env: { A: `${i % 3}` },
    })),
  );
  for (const tasks of [layers, values]) {
    const request = requestOf(tasks);
    expect(read(write(request))).toEqual(read(submit(tasks)));
    expect(written).toBeLessThan(tasks.length / 2);
    written = 0;
  }
  const unlike = many((i) => ({ name: `t${i}`, command: [`${i}`] }));
  expect(write(requestOf(unlike))).toEqual(submit(unlike));
  expect(write({ idempotencyKey: "k" })).toEqual(Submit.requestSerialize({ idempotencyKey: "k" }));
});
