import { parseArgs } from "node:util";
import { WeftError } from "../../lib/core/error.ts";
import { POLICIES } from "./policies/policies.ts";
import type { PolicyKind } from "./policy.ts";
import type { Cut } from "./workload.ts";

export interface Options extends Cut {
  readonly trace: string;
  readonly policies: readonly PolicyKind[];
  readonly seed: number;
  readonly pods: string;
  readonly json: boolean;
  /** Null: none is drawn. */
  readonly chart: string | null;
}

/** Null: help is asked for. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values, positionals } = parse(args);
  if (values.help) return null;
  if (positionals.length !== 1)
    throw new WeftError("invalid", `give one folder with a trace; ${positionals.length} are given (see --help)`);
  return {
    trace: positionals[0]!,
    policies: policiesOf(values.policy ?? POLICIES[0]!.name),
    load: numberOf("load", values.load ?? "1", 0),
    nodes: values.nodes === undefined ? null : wholeOf("nodes", values.nodes, 1),
    limit: values.limit === undefined ? null : wholeOf("limit", values.limit, 1),
    seed: wholeOf("seed", values.seed ?? "1", 0),
    pods: values.pods ?? "default",
    json: values.json ?? false,
    chart: values.chart ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        policy: { type: "string" },
        load: { type: "string" },
        nodes: { type: "string" },
        limit: { type: "string" },
        seed: { type: "string" },
        pods: { type: "string" },
        chart: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (cause) {
    throw new WeftError("invalid", `${(cause as Error).message.split("\n")[0]} (see --help)`);
  }
}

function policiesOf(text: string): readonly PolicyKind[] {
  if (text === "all") return POLICIES;
  return text.split(",").map((name) => {
    const found = POLICIES.find((policy) => policy.name === name);
    if (found) return found;
    const names = POLICIES.map((policy) => policy.name).join(", ");
    throw new WeftError("invalid", `there is no policy "${name}"; there are ${names}, and all`);
  });
}

function numberOf(name: string, text: string, above: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > above) return value;
  throw new WeftError("invalid", `--${name} is "${text}"; it should be a number above ${above}`);
}

function wholeOf(name: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new WeftError("invalid", `--${name} is "${text}"; it should be a whole number of at least ${least}`);
}

export function helpText(): string {
  const width = Math.max(...POLICIES.map(({ name }) => name.length));
  return `Replays a public trace of a GPU cluster in virtual time, through Weft's scheduler or a published policy.

  npm run replay -- TRACE [options]

TRACE is a folder that holds the files of Alibaba's cluster-trace-gpu-v2023 (openb_*.csv), or of Gavel's Philly extracts
(DERIVED_jobs_all_vcs.csv, with a folder philly-derived beside it). Relative paths start at the repository.

  --policy NAME   which policy; several with commas; all compares them in a table (default ${POLICIES[0]!.name})
  --load FACTOR   arrivals so many times faster (default 1; the traces as they are do not fill their clusters)
  --nodes N       only N machines, evenly spaced in the trace's list (default all)
  --limit N       only the first N jobs to arrive (default all)
  --pods LIST     Alibaba: which pod list, as gpuspec33 (default default)
  --seed N        for what is drawn by chance: Gavel's run times (default 1)
  --chart FILE    draws waits, utilisation and fragmentation as an SVG
  --json          one object with the figures, on standard output

Policies:
${POLICIES.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n")}

Examples:
  npm run replay -- ../traces/alibaba-gpu-v2023 --nodes 80 --load 100 --policy all --chart waits.svg
  npm run replay -- ../traces/alibaba-gpu-v2023 --pods gpuspec33 --nodes 120 --load 100 --policy weft,fgd
  npm run replay -- ../traces/gavel-philly-vc --nodes 32 --load 4 --policy weft --json

Exit codes: 0 replayed; 1 a policy failed; 2 the options or the trace are wrong. docs/replay.md defines the figures.
`;
}
