import { Command } from "commander";
import { longCode } from "../code-text.ts";
import { topologicalOrder } from "../../lib/core/pipeline/graph.ts";
import type { InstanceRange, Job, TaskInstance } from "../../sdk/index.ts";
import { JobFailed } from "../failure.ts";
import { followJob, reportEnd, whyOf } from "../follow.ts";
import { summarize } from "../progress.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { instanceName, jobJson, mappedTasks, printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { ago, lasted } from "../when.ts";

/** Rows of the table; a map of thousands is better read as JSON. */
const ROWS_MAX = 500;

interface Options extends ServerOption {
  readonly json?: boolean;
  readonly watch?: boolean;
}

export function jobCommand(): Command {
  return new Command("job")
    .description("show a job and its tasks")
    .argument("<job>", "id of the job, or its beginning")
    .option("--json", "print JSON: { id, pipeline, state, trigger, tasks: [{ name, index, state, … }], … }")
    .option("-w, --watch", "show it until it ends; exit 1 when it did not succeed")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft job 0mf3x\n  $ weft job 0mf3x --watch\n  $ weft job 0mf3x --json | jq '.tasks[] | select(.state == \"failed\")'",
    )
    .action(job);
}

async function job(id: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (!options.watch) {
      const found = await client.get(id);
      if (options.json) printJson(jobJson(found));
      else stdout.write(`${describeJob(found, Date.now())}\n`);
      return;
    }
    const ended = await followJob(client, id, stdout, options.json ?? false);
    if (options.json) printJson(jobJson(ended));
    else await reportEnd(client, ended, stdout);
    if (ended.state !== "succeeded") throw new JobFailed();
  });
}

function describeJob(found: Job, nowMs: number): string {
  const { code, params } = found;
  const facts: [string, string][] = [
    ["pipeline", found.pipeline],
    [
      "state",
      `${inColor(stdout.colors, found.state)}${found.reason ? `: ${printable(found.reason)}` : ""}${waitingText(found)}`,
    ],
    ["submitted", `${found.submittedAt.toISOString()} (${ago(found.submittedAt, nowMs)}), ${triggerText(found)}`],
    ["lasted", lasted(found.startedAt, found.finishedAt, nowMs)],
    ["code", code ? longCode(code) : "none"],
  ];
  if (Object.keys(params).length > 0)
    facts.push([
      "params",
      Object.entries(params)
        .map(([k, v]) => printable(`${k}=${JSON.stringify(v)}`))
        .join(" "),
    ]);
  const head = facts.map(([name, text]) => `${stdout.colors.dim(name.padEnd(10))} ${text}`).join("\n");
  const mapped = mappedTasks(found);
  const entries = [...found.tasks, ...found.resting];
  const order = new Map(topologicalOrder(distinct(entries)).map((task, i) => [task.name, i]));
  const sorted = entries.toSorted((a, b) => order.get(a.name)! - order.get(b.name)! || placeOf(a) - placeOf(b));
  const rows = sorted
    .slice(0, ROWS_MAX)
    .map((entry) => ("count" in entry ? rangeRow(entry, mapped) : taskRow(entry, mapped, nowMs)));
  const table = renderTable(stdout, ["TASK", "STATE", "ATTEMPT", "NODE", "LASTED", "EXIT", "WHY"], rows);
  const more = sorted.length > ROWS_MAX ? `\n(and ${sorted.length - ROWS_MAX} more: --json)` : "";
  return `${head}\n\n${table}${more}\n\n${summarize(found)}`;
}

/** "schedule flight-delay.nightly for 2026-03-29T01:00:00.000Z (version 3)" */
export function triggerText({ trigger, triggeredBy }: Job): string {
  if (!triggeredBy) return printable(trigger);
  const { kind, trigger: name, event, version } = triggeredBy;
  return printable(`${kind} ${name} for ${event} (version ${version})`);
}

function distinct(entries: readonly (TaskInstance | InstanceRange)[]): (TaskInstance | InstanceRange)[] {
  return [...new Map(entries.map((entry) => [entry.name, entry])).values()];
}

function placeOf(entry: TaskInstance | InstanceRange): number {
  return "count" in entry ? entry.first : entry.index;
}

/** `train[500..99999]` */
function rangeRow({ name, first, count, state }: InstanceRange, mapped: ReadonlySet<string>): string[] {
  const indexes = count === 1 ? String(first) : `${first}..${first + count - 1}`;
  const shown = mapped.has(name) ? `${name}[${indexes}]` : name;
  return [shown, inColor(stdout.colors, state), "-", "-", "", "-", ""];
}

function readiness({ state, service }: TaskInstance): string {
  return state === "running" && service ? (service.ready ? ", ready" : ", not ready") : "";
}

function taskRow(task: TaskInstance, mapped: ReadonlySet<string>, nowMs: number): string[] {
  const problem = task.state === "running" ? (task.service?.message ?? "") : "";
  const why = task.state === "succeeded" ? "" : whyOf(task) || printable(problem);
  return [
    instanceName(task, mapped.has(task.name)),
    `${inColor(stdout.colors, task.state)}${readiness(task)}`,
    task.attempt === 0 ? "-" : String(task.attempt),
    task.node ?? "-",
    lasted(task.startedAt, task.finishedAt, nowMs),
    task.exitCode === null ? "-" : String(task.exitCode),
    why,
  ];
}

function waitingText({ waitsFor }: Job): string {
  if (waitsFor === null) return "";
  return waitsFor === "rate" ? ", waits for its rate limit" : ", waits for its concurrency group";
}
