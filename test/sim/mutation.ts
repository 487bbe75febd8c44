import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A rule that is taken out of the product, by its text. Everything that is found is replaced; nothing else is touched. */
export interface Mutation {
  readonly name: string;
  readonly patches: readonly Patch[];
}

export interface Patch {
  /** Path in the repository, without its ending. */
  readonly module: string;
  readonly find: string;
  readonly replace: string;
}

/** Each alone must make some seed fail. The first five are those that the design names; see docs/simulator.md. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: "attempt check",
    patches: [
      {
        module: "scheduler/core/attempt",
        find: "state.nodes.get(node)?.attempts.get(key)",
        replace: "state.jobs.get(ref.job)?.tasks.find(({ spec }) => spec.name === ref.task)?.instances?.get(ref.index)",
      },
      { module: "scheduler/core/attempt", find: "held.state.key !== key", replace: "false" },
    ],
  },
  {
    name: "capacity check",
    patches: [
      {
        module: "scheduler/core/fit",
        find: "node.reserved.cpuMillis + asked.cpuMillis > node.capacity.cpuMillis",
        replace: "false",
      },
      {
        module: "scheduler/core/fit",
        find: "(reserved.cpuMillis + asked.cpuMillis > capacity.cpuMillis)",
        replace: "(false)",
      },
    ],
  },
  {
    name: "terminal guard",
    patches: [{ module: "scheduler/core/job", find: 'instance.state.kind !== "ended"', replace: "true" }],
  },
  {
    name: "lease margin",
    patches: [
      {
        module: "agent/core/lease",
        find: "Math.min(Math.max(MARGIN_MS_MIN, leaseMs * MARGIN_FRACTION), leaseMs / 2)",
        replace: "0",
      },
    ],
  },
  {
    name: "term check",
    patches: [
      {
        module: "scheduler/leader-store",
        find: "interval '1 millisecond'\n           where id = 1 and term = $1 and holder = $2",
        replace: "interval '1 millisecond'\n           where id = 1",
      },
    ],
  },
  {
    name: "skew after the lease",
    patches: [
      {
        module: "scheduler/core/node",
        find: "node.leaseEndsMs + state.config.skewMs",
        replace: "node.leaseEndsMs",
      },
    ],
  },
  {
    name: "era of a node",
    patches: [{ module: "agent/core/era", find: "era < this.#known", replace: "false" }],
  },
  {
    name: "device check",
    patches: [
      { module: "scheduler/core/device", find: "!node.devices.has(gpu.uuid) && isUsable", replace: "isUsable" },
    ],
  },
  {
    name: "needs check",
    patches: [{ module: "scheduler/core/flow", find: "dependent.needsLeft > 0", replace: "false" }],
  },
  {
    name: "ranges of a lost node",
    patches: [{ module: "scheduler/core/node", find: "breakRangesOf(state, node);", replace: "" }],
  },
  {
    name: "one key, one job",
    patches: [{ module: "scheduler/core/job", find: "earlier !== undefined", replace: "false" }],
  },
];

/** The built modules with what is to be replaced in them; throws when the text is not what it was. */
export function located({ name, patches }: Mutation): (Patch & { readonly url: string })[] {
  return patches.map((patch) => {
    const url = new URL(`../../${patch.module}.js`, import.meta.url).href;
    if (readFileSync(fileURLToPath(url), "utf8").includes(patch.find)) return { ...patch, url };
    throw new Error(
      `the mutation "${name}" does not find ${JSON.stringify(patch.find)} in ${patch.module}.ts: the rule has moved; say in test/sim/mutation.ts where it is now`,
    );
  });
}
