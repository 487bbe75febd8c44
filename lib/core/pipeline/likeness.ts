import type { PipelineSpec, TaskSpec } from "./spec.ts";

interface Named {
  readonly name: string;
  readonly needs?: readonly string[];
}

/**
 * Finds the earlier one of which another is a copy with another name and other needs: each of its fields is the same value or the very
 * same object. Large pipelines are read so that their tasks share what they can, and what is found out about one holds for all its copies.
 */
export class Likeness<From extends Named, Kept> {
  readonly #known = new Map<unknown, { readonly from: From; readonly kept: Kept }>();
  readonly #keyOf: (from: From) => unknown;

  /** `keyOf`: an object that copies share and others rarely do. */
  constructor(keyOf: (from: From) => unknown) {
    this.#keyOf = keyOf;
  }

  /** What was kept of the one that this is a copy of; undefined: there is none. */
  find(of: From): Kept | undefined {
    const known = this.#known.get(this.#keyOf(of));
    return known && isCopy(of, known.from) ? known.kept : undefined;
  }

  keep(from: From, kept: Kept): Kept {
    this.#known.set(this.#keyOf(from), { from, kept });
    return kept;
  }
}

function isCopy(a: Named, b: Named): boolean {
  let keys = 0;
  for (const key in a) {
    keys += 1;
    if (key === "name" || key === "needs") continue;
    const value = a[key as keyof Named];
    if (value !== b[key as keyof Named] || (value === undefined && !(key in b))) return false;
  }
  for (const _ in b) keys -= 1;
  return keys === 0;
}

const firsts = new WeakMap<PipelineSpec, readonly TaskSpec[]>();

/** Of each task the first of those that are copies of each other, itself among them. */
export function firstsAlike(pipeline: PipelineSpec): readonly TaskSpec[] {
  let found = firsts.get(pipeline);
  if (!found) {
    const likeness = new Likeness<TaskSpec, TaskSpec>(({ run }) => run);
    found = pipeline.tasks.map((task) => likeness.find(task) ?? likeness.keep(task, task));
    firsts.set(pipeline, found);
  }
  return found;
}
