import type { Plan } from "./plan.ts";
import { planOf } from "./plan.ts";
import type { Tally } from "./tally.ts";
import { Violation } from "./violation.ts";
import { World } from "./world.ts";

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  readonly about: readonly string[];
}

export interface SeedResult {
  readonly events: number;
  /** Null: all laws held. */
  readonly failure: Failure | null;
}

interface Told {
  readonly atMs: number;
  readonly what: string;
  readonly about: string;
}

/** Lines of a story about the thing itself, and the last of all that happened. */
const STORY_LINES_MAX = 60;
const LAST_LINES_MAX = 25;

export function runSeed(
  seed: number,
  tell: (atMs: number, what: string, about: string) => void = () => {},
  tally?: Tally,
): SeedResult {
  const world = new World(seed, tell, tally);
  try {
    world.run();
    return { events: world.agenda.events, failure: null };
  } catch (error) {
    return { events: world.agenda.events, failure: failureOf(seed, error as Error) };
  }
}

function failureOf(seed: number, error: Error): Failure {
  if (error instanceof Violation)
    return { seed, invariant: error.invariant, message: error.message, about: error.about };
  return { seed, invariant: "a part broke", message: error.stack ?? error.message, about: [] };
}

/** The same seed again, with all that leads to its failure written down. */
export function storyOf(seed: number): string {
  const plan: Plan = planOf(seed);
  const told: Told[] = [];
  const { failure, events } = runSeed(seed, (atMs, what, about) => told.push({ atMs, what, about }));
  if (!failure) return `seed ${seed} does not fail`;
  const { about } = failure;
  const concerns = (one: Told): boolean =>
    about.some(
      (id) =>
        one.about === id ||
        one.about.startsWith(`${id}.`) ||
        id.startsWith(`${one.about}.`) ||
        one.about.includes(`<${id}`) ||
        one.about.startsWith(`${id}<`),
    );
  const line = ({ atMs, what, about: who }: Told): string =>
    `${(atMs / 1000).toFixed(3).padStart(10)} s  ${who}: ${what}`;
  return [
    `seed ${seed}: ${failure.invariant}: ${failure.message}`,
    `plan ${JSON.stringify(plan)}`,
    `after ${events} events. About ${about.join(", ") || "nothing in particular"}:`,
    ...told.filter(concerns).slice(-STORY_LINES_MAX).map(line),
    "the last that happened:",
    ...told.slice(-LAST_LINES_MAX).map(line),
    `again: npm run sim -- --from ${seed} --seeds 1`,
  ].join("\n");
}
