import fc from "fast-check";
import { expect, test } from "vitest";
import { findCycle, topologicalOrder } from "./graph.ts";
import { hint, nearest } from "./nearest.ts";

const task = (name: string, ...needs: string[]): { name: string; needs: string[] } => ({ name, needs });

test("a cycle is told in the order the work would flow, beginning and ending at the same task", () => {
  expect(findCycle([task("a", "c"), task("b", "a"), task("c", "b")])).toEqual(["a", "b", "c", "a"]);
  expect(findCycle([task("x"), task("a", "x", "b"), task("b", "a")])).toEqual(["a", "b", "a"]);
  expect(findCycle([task("a", "a")])).toEqual(["a", "a"]);
  expect(findCycle([task("a"), task("b", "a", "gone"), task("c", "a", "b")])).toBeUndefined();
});

test("a chain of 100,000 tasks is walked without overflowing the stack", () => {
  const chain = Array.from({ length: 100_000 }, (_, i) => task(`t${i}`, ...(i < 99_999 ? [`t${i + 1}`] : [])));
  expect(findCycle(chain)).toBeUndefined();
  expect(topologicalOrder(chain)[0]!.name).toBe("t99999");
});

test("every task comes after those it needs, whatever the graph, and none is lost", () => {
  const graph = fc
    .array(fc.array(fc.nat(1000), { maxLength: 4 }), { maxLength: 30 })
    .map((rows) => rows.map((needs, i) => task(`t${i}`, ...new Set(i === 0 ? [] : needs.map((n) => `t${n % i}`)))));
  fc.assert(
    fc.property(graph, (tasks) => {
      const order = topologicalOrder(tasks.toReversed());
      const place = new Map(order.map((each, i) => [each.name, i]));
      expect(order).toHaveLength(tasks.length);
      for (const each of tasks)
        for (const need of each.needs) expect(place.get(need)).toBeLessThan(place.get(each.name)!);
      expect(findCycle(tasks)).toBeUndefined();
    }),
  );
});

test("the nearest known name forgives a slip, not another word", () => {
  expect(nearest("retrys", ["retries", "resources"])).toBe("retries");
  expect(nearest("tiemout", ["timeout", "env"])).toBe("timeout");
  expect(nearest("Train", ["train"])).toBe("train");
  expect(nearest("features", ["train", "best"])).toBeUndefined();
  expect(hint("x", ["table", "model"])).toBe(" (there are: table, model)");
  expect(hint("x", [])).toBe("");
});
