import { expect, test } from "vitest";
import type { Task as TaskProto } from "../../proto/gen/weft/v1/Task.ts";
import { pipeline, task } from "../../test/support/build.ts";
import { type Page, pageOf } from "./job-page.ts";

const SPEC = pipeline(task("first"), task("train"), task("last"));

/** An attempt is what an instance has that ran. */
function instance(name: string, index: number, state: string, attempt?: number): TaskProto {
  const needs = name === "train" && index === 0 ? ["first"] : [];
  return { name, index, state, needs, ...(attempt === undefined ? {} : { attempt }) };
}

const ALL = [
  instance("first", 0, "succeeded", 1),
  instance("train", 0, "ready"),
  instance("train", 1, "ready"),
  instance("train", 2, "running", 2),
  instance("train", 3, "ready"),
  instance("train", 4, "ready"),
  instance("last", 0, "pending"),
];

function pages(inRanges: boolean, entriesMax: number): Page[] {
  const found: Page[] = [];
  for (let token = ""; found.length === 0 || token !== ""; token = found.at(-1)!.nextPageToken)
    found.push(pageOf(ALL, SPEC, token, inRanges, entriesMax));
  return found;
}

test("instances that have not run stand together by state, and those that have run are whole", () => {
  const [page, ...more] = pages(true, 100);
  expect(more).toEqual([]);
  expect(page!.tasks).toEqual([ALL[0], ALL[3]]);
  expect(page!.resting).toEqual([
    { name: "train", first: 0, count: 2, state: "ready", needs: ["first"] },
    { name: "train", first: 3, count: 2, state: "ready", needs: [] },
    { name: "last", first: 0, count: 1, state: "pending", needs: [] },
  ]);
});

test.each([1, 2, 3, 4, 5])("pages of %i entries together hold each instance once", (entriesMax) => {
  const seen = pages(true, entriesMax).flatMap(({ tasks, resting }) => {
    expect(tasks.length + resting.length).toBeLessThanOrEqual(entriesMax);
    const ranges = resting.flatMap(({ name, first, count, state }) =>
      Array.from({ length: count! }, (_, i) => [name, first! + i, state]),
    );
    return [...tasks.map(({ name, index, state }) => [name, index, state]), ...ranges];
  });
  const whole = ALL.map(({ name, index, state }) => [name, index, state]);
  expect(seen).toHaveLength(whole.length);
  expect(seen).toEqual(expect.arrayContaining(whole));
  expect(pages(false, entriesMax).flatMap(({ tasks }) => tasks)).toEqual(ALL);
});

test("a page token of something else is refused", () => {
  for (const token of ["x", "0mf3x", "3.0", "-1.0", "1"])
    expect(() => pageOf(ALL, SPEC, token, true)).toThrow(/is no page token of this job; give next_page_token/);
});
