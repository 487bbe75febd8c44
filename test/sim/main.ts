import { parseArgs } from "node:util";
import { type Failure, runSeed, storyOf } from "./seed.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    mutations: { type: "boolean", default: false },
  },
});

const from = Number(values.from);
const failures: Failure[] = [];
let events = 0;
const startedMs = performance.now();
for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
  const result = runSeed(seed);
  events += result.events;
  if (!result.failure) continue;
  failures.push(result.failure);
  if (failures.length <= 3) console.error(storyOf(seed));
}
console.error(`${Math.round((events / (performance.now() - startedMs)) * 1000)} events a second`);
console.log(
  JSON.stringify({
    seeds: Number(values.seeds),
    events,
    failures: failures.map(({ seed, invariant }) => ({ seed, invariant })),
  }),
);
process.exitCode = failures.length === 0 ? 0 : 1;
