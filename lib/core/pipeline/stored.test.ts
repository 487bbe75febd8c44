import { expect, test } from "vitest";
import { asks, flow, mapOver, pipeline, retriesOf, task } from "../../../test/support/build.ts";
import { complete } from "./canonical.ts";
import type { PipelineSpec } from "./spec.ts";
import { fromStored, type StoredSpec, toStored } from "./stored.ts";

const throughJson = (spec: PipelineSpec): PipelineSpec =>
  fromStored(JSON.parse(JSON.stringify(toStored(spec))) as StoredSpec);

test("a task that says nothing about most things is stored as what it says", () => {
  const spec = complete({ name: "p", params: {}, tasks: [{ name: "a", run: { kind: "command", argv: ["true"] } }] });
  expect(toStored(spec).tasks).toEqual([{ name: "a", run: { kind: "command", argv: ["true"] } }]);
  expect(throughJson(spec)).toEqual(spec);
});

test("what is read is what was written, whatever it says", () => {
  const spec = pipeline(
    task("a", { resources: asks(2, { gpuMillis: 500 }), map: mapOver(3), env: { A: "" }, outputs: { o: "o/" } }),
    task("b", { needs: ["a"], retries: retriesOf({ limit: 2, exitCodes: [7] }), flow: flow({ when: "always" }) }),
    task("c", { timeoutMs: 5, nodes: 2, preemptible: true, checkpoint: true, stopGraceMs: 0, files: ["*"] }),
    task("d", { alternatives: [asks(1)], environment: { kind: "node", lock: "package-lock.json" } as never }),
    task("e", { placement: { pool: "p" } as never, keepOutputs: true } as never),
  );
  expect(throughJson(spec)).toEqual(spec);
});

test("a row of an earlier version gets what it could not say", () => {
  const { checkpoint: _, flow: __, ...old } = task("a");
  const { crashes: ___, ...retries } = old.retries;
  const [read] = fromStored({ ...pipeline(), tasks: [{ ...old, retries } as never] }).tasks;
  expect(read).toEqual(task("a"));
});
