import { expect, test } from "vitest";
import { pathsProblem } from "./object-paths.ts";

test("names that files can have, in folders beside each other, are good", () => {
  expect(pathsProblem(["a", "b/c", "b/d/e", "ab/c", "b-/d"])).toBeUndefined();
});

test.each([
  [["../a"], "no name that a file can have"],
  [["a//b"], "no name that a file can have"],
  [["/etc/passwd"], "no name that a file can have"],
  [[`a/${"\u6570".repeat(86)}`], "no name that a file can have"],
  [["a/b/c/d", "a/b"], "a/b is an object, and a/b/c/d lies below it"],
])("%j cannot be laid out", (paths, said) => {
  expect(pathsProblem(paths)).toContain(said);
});
