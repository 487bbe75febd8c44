import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runSeed, storyOf } from "./seed.ts";

const PROGRAM = fileURLToPath(new URL("../../dist/test/sim/main.js", import.meta.url));
/** On a busy machine of two cores; alone it takes an eighth of it. */
const PATIENCE_MS = 1_500_000;

/** As `npm run sim`, on what the setup has built. */
function sim(...args: string[]): { readonly status: number | null; readonly last: unknown; readonly stories: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: "utf8" });
  return { status, last: JSON.parse(stdout.trimEnd().split("\n").at(-1)!), stories: stderr };
}

test("a thousand seeds hold all laws", { timeout: PATIENCE_MS }, () => {
  const { status, last, stories } = sim("--seeds", "1000", "--json");
  expect(last, stories).toMatchObject({ seeds: 1000, failures: [] });
  expect(status).toBe(0);
});

test("with any one rule taken out some seed fails", { timeout: PATIENCE_MS }, () => {
  const { status, last, stories } = sim("--mutations", "--json");
  const { mutations } = last as { mutations: { name: string; caught: boolean; seed: number | null }[] };
  expect(
    mutations.filter(({ caught }) => !caught),
    stories,
  ).toEqual([]);
  expect(mutations.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      "attempt check",
      "capacity check",
      "terminal guard",
      "lease margin",
      "term check",
      "quota check",
      "gang wholeness",
      "approval check",
    ]),
  );
  expect(status).toBe(0);
});

test("the same seed is the same world, told or not", () => {
  const told: string[] = [];
  const first = runSeed(7, (atMs, what, about) => told.push(`${atMs} ${about} ${what}`));
  const again: string[] = [];
  expect(runSeed(7, (atMs, what, about) => again.push(`${atMs} ${about} ${what}`))).toEqual(first);
  expect(again).toEqual(told);
  expect(told.length).toBeGreaterThan(50);
  expect(runSeed(7)).toEqual(first);
});

test("a seed that does not fail has no story", () => {
  expect(storyOf(7)).toBe("seed 7 does not fail");
});
