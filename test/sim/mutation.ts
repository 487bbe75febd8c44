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
  {
    name: "quota check",
    patches: [
      {
        module: "scheduler/core/share",
        find: "project.usage[field] + asked[field] * members > most",
        replace: "false",
      },
    ],
  },
  {
    name: "gang wholeness",
    patches: [
      {
        module: "scheduler/core/gang",
        find: 'if (members.some((member) => member.state.kind === "active"))',
        replace: "if (false)",
      },
    ],
  },
  {
    name: "gangs on nodes of their own",
    patches: [
      {
        module: "scheduler/core/gang",
        find: "return nodes.slice(0, members);",
        replace: "return Array.from({ length: members }, () => nodes[0]);",
      },
    ],
  },
  {
    name: "shares of a device",
    patches: [
      { module: "scheduler/core/device", find: "use.shareMillis + asked.gpuMillis > WHOLE", replace: "false" },
      { module: "scheduler/core/device", find: "room.millis < asked.gpuMillis", replace: "false" },
      // A share takes as much of the memory, so that one rule stands for both.
      {
        module: "scheduler/core/device",
        find: "use.memoryBytes + memoryShare(gpu, asked) > gpu.memoryBytes",
        replace: "false",
      },
      { module: "scheduler/core/fit", find: "deviceRoom(node).millis >= asked.gpuMillis", replace: "true" },
    ],
  },
  {
    name: "memory of a shared device",
    patches: [
      {
        module: "scheduler/core/device",
        find: "use.memoryBytes + memoryShare(gpu, asked) > gpu.memoryBytes",
        replace: "false",
      },
    ],
  },
  {
    name: "devices that are well",
    patches: [{ module: "scheduler/core/device", find: "gpu.healthy && ", replace: "" }],
  },
  {
    name: "quarantine",
    patches: [
      {
        module: "scheduler/core/device",
        find: "node.settings.quarantined[gpu.uuid] === undefined",
        replace: "true",
      },
    ],
  },
  {
    name: "order of preemption",
    patches: [
      {
        module: "scheduler/core/preempt",
        find: "instance.task.ask.priority < ask.priority",
        replace: "instance.task.ask.priority <= ask.priority",
      },
    ],
  },
  {
    name: "share of whoever gives",
    patches: [
      {
        module: "scheduler/core/preempt",
        find: "dominantShare(projectOf(state, other.project), totals, after) < fair",
        replace: "false",
      },
    ],
  },
  {
    name: "consent to preemption",
    patches: [
      {
        module: "scheduler/core/reservation",
        find: "if (instance.task.ask.preemptible)",
        replace: "if (true)",
      },
    ],
  },
  {
    name: "room that a class remembers",
    patches: [{ module: "scheduler/core/place", find: "queueClass.tried = false;", replace: "" }],
  },
  {
    name: "approval check",
    patches: [
      {
        module: "scheduler/core/word",
        find: "approve.by.length > 0 && !approve.by.includes(word.by)",
        replace: "false",
      },
    ],
  },
  {
    name: "limit of a group",
    patches: [
      {
        module: "scheduler/core/admission",
        find: "group.running.size < group.waiting[0].spec.concurrency.limit",
        replace: "true",
      },
    ],
  },
  {
    name: "limit of starts",
    patches: [{ module: "scheduler/core/rate", find: "if (dueMs > nowMs)", replace: "if (false)" }],
  },
  {
    name: "maintenance window",
    patches: [{ module: "scheduler/core/fit", find: "nowMs + limitMs > fromMs", replace: "false" }],
  },
  {
    name: "checkpoint of the last attempt",
    patches: [{ module: "scheduler/core/restore", find: "instance.checkpoint = row.checkpoint;", replace: "" }],
  },
  {
    name: "services that nobody needs",
    patches: [
      { module: "scheduler/core/service", find: 'orderStop(state, instance, "finished")', replace: "undefined" },
    ],
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
