import { expect, test } from "vitest";
import { compileCel, evaluateCel, isFault } from "./cel.ts";
import type { Json } from "../json.ts";

const value = (expression: string, tasks: Record<string, Json> = {}, params: Record<string, Json> = {}) =>
  evaluateCel(expression, { tasks, params });

test("an expression reads parameters and results; whole and broken numbers go together", () => {
  const a = { state: "succeeded", succeeded: [0, 1], result: { acc: 0.5, n: 2, files: ["x", "y"] } };
  expect(value("size(tasks.a.succeeded) > 0 && tasks.a.result.acc + 1 > params.least", { a }, { least: 1.2 })).toEqual({
    ok: true,
    value: true,
  });
  expect(value("tasks.a.result.files.map(f, {'file': f, 'n': tasks.a.result.n})", { a })).toEqual({
    ok: true,
    value: [
      { file: "x", n: 2 },
      { file: "y", n: 2 },
    ],
  });
  expect(value("has(tasks.a.result.none) ? 1 : tasks.a.result.n % 2", { a })).toEqual({ ok: true, value: 0 });
});

test("what goes wrong when it runs says what and where", () => {
  expect(value("tasks.a.result.none > 1", { a: { result: {} } })).toEqual({
    ok: false,
    message: 'No such key: none, at "none"',
  });
  expect(value("1 / params.n", {}, { n: 0 })).toEqual({ ok: false, message: "division by zero" });
  expect(value("timestamp('2020-01-01T00:00:00Z')")).toMatchObject({ ok: false });
  expect(value("9007199254740991 + 1")).toMatchObject({ ok: false, message: expect.stringContaining("too large") });
});

test("what is read is known before it runs", () => {
  const program = compileCel(`tasks.a.result.x == params["b-c"] && tasks["d-e"].failed.exists(i, i > params.n)`);
  if (isFault(program)) throw new Error(program.message);
  expect(program.names.map(({ root, name, start }) => [root, name, start])).toEqual([
    ["tasks", "a", 0],
    ["params", "b-c", 20],
    ["tasks", "d-e", 37],
    ["params", "n", 71],
  ]);
  expect(program).toMatchObject({ depth: 1, type: "bool" });
});

test.each([
  ["params.n +", "Unexpected token: EOF"],
  ["foo == 1", "Unknown variable: foo"],
  ["'a' + 1", "no such overload: string + int"],
  ["params.s.matches('a+')", "matches() is not offered"],
  ["size(tasks) > 1", "tasks as a whole cannot be used"],
  ["tasks[params.n].result", "tasks as a whole cannot be used"],
  ["[1].map(x, [x, x, x, x, x, x]).map(x, [x, x, x, x, x, x]).map(x, [x, x, x, x, x, x])", "18 elements"],
  [`params.s.split("").map(x, ${Array.from({ length: 8 }, () => "x").join(" + ")})`, ""],
])("%s is refused before it runs", (expression, message) => {
  const program = compileCel(expression);
  if (!isFault(program)) throw new Error("it was taken");
  expect(program.message).toContain(message);
});

test("loops in loops over a long list are refused, not run", () => {
  const found = value(
    "params.l.all(x, params.l.exists(y, y == x))",
    {},
    { l: Array.from({ length: 100_000 }, () => 1) },
  );
  expect(found).toMatchObject({ ok: false, message: expect.stringContaining("2 deep") });
  expect(compileCel("x".repeat(5000))).toMatchObject({ message: expect.stringContaining("5000 characters") });
});
