import { expect, test } from "vitest";
import { Era } from "./era.ts";

test("what was assigned before the node was given up is over, what comes after is not", () => {
  const era = new Era();
  expect(era.isOver({ era: 0 })).toBe(false);
  expect(era.learn(1)).toBe(true);
  expect(era.isOver({ era: 0 })).toBe(true);
  expect(era.isOver({ era: 1 })).toBe(false);
});

test("an answer that was overtaken does not bring an era back", () => {
  const era = new Era();
  era.learn(2);
  expect(era.learn(1)).toBe(false);
  expect(era.isOver({ era: 1 })).toBe(true);
});

test("a scheduler that does not count eras is believed", () => {
  const era = new Era();
  era.learn(3);
  expect(era.isOver({})).toBe(false);
});
