import { Command, Option } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import type { ComparisonRow, FactValue, RunComparison } from "../../services/tracking/index.ts";
import { type Api, withApi } from "../api.ts";
import { wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";

/** What the server compares at most. */
const RUNS_MAX = 50;
const NAME_CHARS_MAX = 24;

interface Options extends ServerOption {
  readonly experiment?: string;
  readonly filter?: string;
  readonly limit: number;
  readonly metric?: string[];
  readonly sort?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function compareCommand(): Command {
  return new Command("compare")
    .description(
      `compare up to ${RUNS_MAX} runs: a line a run, with its metrics and the parameters in which they differ`,
    )
    .argument("[run...]", "ids or names of tracked runs, jobs, JOB.TASK or attempts")
    .option("--experiment <name>", "the newest runs of this experiment (of a pipeline: its name) instead")
    .option("--filter <filter>", "of the experiment, those that meet MLflow's filter, e.g. 'metrics.loss < 0.5'")
    .option("--limit <n>", "of the experiment, at most so many", wholeNumber(1, RUNS_MAX), RUNS_MAX)
    .option("--metric <name...>", "only these metrics")
    .addOption(new Option("--sort <metric>", "by this metric, the smallest first; -NAME: the largest first"))
    .option("--all", "parameters that all have alike, too")
    .option("--json", "print JSON: { runs, rows: [{ section, of, kind, name, equal, values }] }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft compare 0mf3x.fit 0mf4y.fit 0mf5z.fit\n  $ weft compare --experiment flight-delay --sort -auc --limit 10",
    )
    .action(compare);
}

async function compare(named: readonly string[], options: Options): Promise<void> {
  if ((named.length === 0) === (options.experiment === undefined))
    throw new WeftError("invalid", "name runs, or an experiment with --experiment NAME: one of the two");
  await withApi(options, async (api) => {
    const runs = options.experiment === undefined ? named : await runsOf(api, options.experiment, options);
    if (runs.length > RUNS_MAX)
      throw new WeftError("invalid", `${runs.length} runs are named; at most ${RUNS_MAX} are compared`);
    const query = runs.map((run) => `run=${encodeURIComponent(run)}`).join("&");
    const found = await api.get<RunComparison>("compare runs", `/v1/runs/compare?${query}`);
    const sorted = sortedBy(chosen(found, options.metric), options.sort);
    if (options.json) printJson(sorted);
    else stdout.write(`${comparisonText(sorted, options.all ?? false)}\n`);
  });
}

/** Ids, newest first. */
async function runsOf(api: Api, experiment: string, { filter, limit }: Options): Promise<string[]> {
  const by = `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(experiment)}`;
  const { experiment: found } = await api.get<{ experiment: { experiment_id: string } }>(
    `find experiment ${experiment}`,
    by,
  );
  const page = await api.post<{ runs?: { info: { run_id: string } }[] }>(
    `search the runs of ${experiment}`,
    "/api/2.0/mlflow/runs/search",
    { experiment_ids: [found.experiment_id], filter: filter ?? "", max_results: limit },
  );
  const ids = (page.runs ?? []).map(({ info }) => info.run_id);
  if (ids.length > 0) return ids;
  throw new WeftError(
    "not_found",
    `experiment ${experiment} has no run${filter === undefined ? "" : " that meets the filter"}`,
  );
}

function chosen(found: RunComparison, metrics: readonly string[] | undefined): RunComparison {
  if (metrics === undefined) return found;
  const unknown = metrics.find((name) => !found.rows.some((row) => row.section === "metrics" && row.name === name));
  if (unknown !== undefined) throw new WeftError("not_found", `none of the runs has a metric "${unknown}"`);
  return { ...found, rows: found.rows.filter((row) => row.section !== "metrics" || metrics.includes(row.name)) };
}

/** Runs without the metric, or with one that is no finite number, come last. */
function sortedBy(found: RunComparison, sort: string | undefined): RunComparison {
  if (sort === undefined) return found;
  const largest = sort.startsWith("-");
  const name = largest ? sort.slice(1) : sort;
  const row = found.rows.find((one) => one.section === "metrics" && one.name === name);
  if (row === undefined) throw new WeftError("not_found", `none of the runs has a metric "${name}" to sort by`);
  const rank = (value: FactValue | undefined): number =>
    typeof value === "number" ? (largest ? -value : value) : Infinity;
  const order = found.runs
    .map((_, i) => i)
    .toSorted((i, j) => {
      const [a, b] = [rank(row.values[i]), rank(row.values[j])];
      return a === b ? 0 : a < b ? -1 : 1;
    });
  return {
    runs: order.map((i) => found.runs[i]!),
    rows: found.rows.map((one) => ({ ...one, values: order.map((i) => one.values[i]!) })),
  };
}

function comparisonText({ runs, rows }: RunComparison, all: boolean): string {
  const columns = rows.filter((row) => row.section === "metrics" || all || !row.equal);
  const names = columns.map(({ of, name }) => printable(of === "" ? name : `${of} ${name}`));
  const lines = runs.map(({ asked, name, runs: ids }, i) => [
    printable(ids.length === 1 ? ids[0]! : asked).slice(0, NAME_CHARS_MAX),
    printable(name).slice(0, NAME_CHARS_MAX),
    ...columns.map((row) => valueText(row, i)),
  ]);
  return renderTable(stdout, ["RUN", "NAME", ...names], lines);
}

function valueText({ values }: ComparisonRow, i: number): string {
  const value = values[i] ?? null;
  if (value === null) return "-";
  return typeof value === "number"
    ? String(Number(value.toPrecision(6)))
    : printable(String(value)).slice(0, NAME_CHARS_MAX);
}
