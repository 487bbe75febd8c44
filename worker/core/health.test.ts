import { expect, test } from "vitest";
import { type Health, observe, UNKNOWN } from "./health.ts";

function after(answers: string, failuresMax: number): Health {
  return Array.from(answers).reduce((health, answer) => observe(health, answer === "+", failuresMax), UNKNOWN);
}

test("one good answer makes it well, and only so many bad ones in a row make it unwell", () => {
  expect(after("", 3).well).toBe(null);
  expect(after("--", 3).well).toBe(null);
  expect(after("---", 3).well).toBe(false);
  expect(after("--+", 3).well).toBe(true);
  expect(after("+--", 3).well).toBe(true);
  expect(after("+--+--", 3).well).toBe(true);
  expect(after("+---", 3).well).toBe(false);
  expect(after("+---+", 3).well).toBe(true);
  expect(after("-", 1).well).toBe(false);
});
