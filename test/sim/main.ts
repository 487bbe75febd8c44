import { spawnSync } from "node:child_process";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { located, MUTATIONS } from "./mutation.ts";
import type { Failure } from "./seed.ts";

/**
 *   npm run sim -- [--seeds N] [--from S] [--json]     runs seeds S to S+N-1
 *   npm run sim -- --mutations [--seeds N] [--json]    takes out one rule after the other; each must make some seed fail
 *
 * Stories of failures go to stderr, the result is the last line of stdout. Exit code 1: a seed failed, or a mutation lived.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    mutations: { type: "boolean", default: false },
    /** Used by --mutations: runs seeds without this rule until one fails. */
    mutant: { type: "string" },
  },
});

const SEEDS_DEFAULT = 100;
/** Seeds a mutation may need: those that the tests show to hold without it. */
const MUTANT_SEEDS_DEFAULT = 1_000;
/** Stories told in full; more are only named. */
const STORIES_MAX = 3;
const PROGRESS_SEEDS = 1_000;

const from = wholeNumber("--from", values.from);
const count = (most: number): number => (values.seeds === undefined ? most : wholeNumber("--seeds", values.seeds));

if (values.mutant !== undefined) await runMutant(values.mutant);
else if (values.mutations) runMutations();
else await runSeeds();

function wholeNumber(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${flag} is "${text}"; a whole number is needed, as in ${flag} 100`);
  process.exit(2);
}

async function runSeeds(): Promise<void> {
  // Not before now: what a mutation replaces must not be loaded yet.
  const { runSeed, storyOf } = await import("./seed.ts");
  const seeds = count(SEEDS_DEFAULT);
  const failures: Failure[] = [];
  let events = 0;
  const startedMs = performance.now();
  for (let seed = from; seed < from + seeds; seed += 1) {
    const result = runSeed(seed);
    events += result.events;
    if ((seed - from + 1) % PROGRESS_SEEDS === 0) console.error(`${seed - from + 1} of ${seeds} seeds`);
    if (!result.failure) continue;
    failures.push(result.failure);
    if (failures.length <= STORIES_MAX) console.error(`${storyOf(seed)}\n`);
  }
  const rate = Math.round((events / (performance.now() - startedMs)) * 1000);
  const named = failures.map(({ seed, invariant }) => ({ seed, invariant }));
  if (values.json) console.log(JSON.stringify({ seeds, events, failures: named }));
  else {
    for (const { seed, invariant } of named) console.log(`seed ${seed} failed: ${invariant}`);
    console.log(`${seeds} seeds, ${events} events (${rate} a second), ${failures.length} failed`);
  }
  process.exitCode = failures.length === 0 ? 0 : 1;
}

async function runMutant(name: string): Promise<void> {
  const mutation = MUTATIONS.find((one) => one.name === name);
  if (!mutation) throw new Error(`there is no mutation "${name}"`);
  register("./mutant-loader.js", import.meta.url, { data: located(mutation) });
  const { runSeed, storyOf } = await import("./seed.ts");
  const seeds = count(MUTANT_SEEDS_DEFAULT);
  for (let seed = from; seed < from + seeds; seed += 1) {
    const { failure } = runSeed(seed);
    if (!failure) continue;
    console.error(storyOf(seed));
    return console.log(JSON.stringify({ seed, invariant: failure.invariant }));
  }
  console.log(JSON.stringify({ seed: null, invariant: null }));
}

/** A process for each, since what was loaded stays loaded. */
function runMutations(): void {
  const mutations = MUTATIONS.map(({ name }) => {
    const seeds = values.seeds === undefined ? [] : ["--seeds", values.seeds];
    const program = fileURLToPath(import.meta.url);
    const args = ["--no-warnings", program, "--mutant", name, "--from", values.from, ...seeds];
    const { stdout, status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (status !== 0) {
      console.error(stderr);
      return { name, caught: false, seed: null, invariant: null };
    }
    const { seed, invariant } = JSON.parse(stdout) as { seed: number | null; invariant: string | null };
    if (!values.json) console.log(`${name}: ${seed === null ? "NOT CAUGHT" : `caught by seed ${seed}: ${invariant}`}`);
    return { name, caught: seed !== null, seed, invariant };
  });
  if (values.json) console.log(JSON.stringify({ mutations }));
  process.exitCode = mutations.every(({ caught }) => caught) ? 0 : 1;
}
