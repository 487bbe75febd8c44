import { topologicalOrder } from "../lib/core/pipeline/graph.ts";
import { formatDuration } from "../lib/core/pipeline/units.ts";
import type { Job, TaskInstance } from "../sdk/index.ts";
import { inColor, STATE_SIGNS } from "./state.ts";
import { cut, type Terminal, visibleLength } from "./terminal.ts";
import { lasted } from "./when.ts";

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Deeper DAGs are not indented further: names would leave the screen. */
const INDENT_MAX = 8;
/** Instances of one mapped task that are named while they run. */
const RUNNING_SHOWN = 3;

/** All instances of one task as a line of the picture. */
interface Group {
  readonly name: string;
  readonly needs: readonly string[];
  readonly instances: readonly TaskInstance[];
  readonly state: string;
}

/** The DAG as lines: tasks after those they need, indented by their depth; as many lines as fit. */
export function drawJob(job: Job, terminal: Terminal, nowMs: number): string[] {
  const groups = topologicalOrder(groupTasks(job));
  const depths = depthsOf(groups);
  const { colors } = terminal;
  const spinner = SPINNER[Math.floor(nowMs / 100) % SPINNER.length]!;
  const names = groups.map((group) => `${"  ".repeat(Math.min(depths.get(group.name)!, INDENT_MAX))}  ${group.name}`);
  const width = Math.max(...names.map((name) => name.length), 8);
  const lines = groups.map((group, i) => {
    const sign = group.state === "running" ? spinner : (STATE_SIGNS[group.state] ?? "?");
    const indent = names[i]!.length - group.name.length - 2;
    const name = `${" ".repeat(indent)}${inColor(colors, group.state, sign)} ${group.name}`;
    const needs = group.needs.length > 0 ? colors.dim(` ← ${group.needs.join(", ")}`) : "";
    return `${name}${" ".repeat(width - visibleLength(name))}  ${detail(group, colors, nowMs)}${needs}`;
  });
  const head = `${colors.bold(job.pipeline)} ${job.id}  ${inColor(colors, job.state)}  ${lasted(job.submittedAt, job.finishedAt, nowMs)}`;
  return [head, ...fit(groups, lines, terminal.rows - 3, colors)].map((line) => cut(line, terminal.columns - 1));
}

function groupTasks(job: Job): Group[] {
  const byName = new Map<string, TaskInstance[]>();
  for (const task of job.tasks) {
    const list = byName.get(task.name);
    if (list) list.push(task);
    else byName.set(task.name, [task]);
  }
  return [...byName].map(([name, instances]) => ({
    name,
    needs: instances[0]!.needs,
    instances,
    state: stateOf(instances),
  }));
}

/** The state that says most about a group: what runs, then what went wrong, then what waits. */
function stateOf(instances: readonly TaskInstance[]): string {
  const states = new Set(instances.map(({ state }) => state));
  const order = ["running", "failed", "assigned", "cancelled", "ready", "pending", "skipped", "succeeded"] as const;
  return order.find((state) => states.has(state)) ?? "pending";
}

function depthsOf(groups: readonly Group[]): Map<string, number> {
  const depths = new Map<string, number>();
  for (const { name, needs } of groups)
    depths.set(name, Math.max(0, ...needs.map((need) => (depths.get(need) ?? 0) + 1)));
  return depths;
}

function detail(group: Group, colors: Terminal["colors"], nowMs: number): string {
  const { instances, state } = group;
  if (instances.length === 1) {
    const task = instances[0]!;
    const time = task.startedAt ? lasted(task.startedAt, task.finishedAt, nowMs) : state;
    const tries = task.attempt > 1 ? colors.yellow(`  attempt ${task.attempt}`) : "";
    const node = task.node && task.startedAt ? colors.dim(`  ${task.node}`) : "";
    const why = state === "failed" ? `  ${colors.red(task.reason ?? "")}` : "";
    return `${time.padEnd(7)}${node}${tries}${why}`;
  }
  const count = (wanted: string): number => instances.filter((task) => task.state === wanted).length;
  const done = `${count("succeeded")}/${instances.length}`;
  const parts = (["running", "assigned", "failed", "cancelled", "skipped"] as const)
    .filter((each) => count(each) > 0)
    .map((each) => inColor(colors, each, `${count(each)} ${each}`));
  const running = instances.filter((task) => task.state === "running").slice(0, RUNNING_SHOWN);
  const named = running.map((task) => `[${task.index}] ${lasted(task.startedAt, null, nowMs)}`).join(" ");
  return [done.padEnd(7), ...parts, colors.dim(named)].filter((part) => part !== "").join("  ");
}

/** When there are more lines than rows, those of tasks that move or failed stay, and the rest is counted. */
function fit(
  groups: readonly Group[],
  lines: readonly string[],
  rows: number,
  colors: Terminal["colors"],
): readonly string[] {
  if (lines.length <= rows) return lines;
  const rank = (state: string): number => ["running", "failed", "assigned", "ready"].indexOf(state) >>> 0;
  const kept = groups
    .map((group, i) => ({ i, rank: rank(group.state) }))
    .toSorted((a, b) => a.rank - b.rank || a.i - b.i)
    .slice(0, Math.max(1, rows - 1));
  const shown = new Set(kept.map(({ i }) => i));
  const hidden = groups.filter((_, i) => !shown.has(i));
  const done = hidden.filter((group) => group.state === "succeeded").length;
  return [
    ...lines.filter((_, i) => shown.has(i)),
    colors.dim(`  … and ${hidden.length} more tasks (${done} succeeded)`),
  ];
}

/** "9 tasks succeeded in 12.3s", with what went otherwise. */
export function summarize(job: Job): string {
  const counts = new Map<string, number>();
  for (const { state } of job.tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const { state, count } of job.resting) counts.set(state, (counts.get(state) ?? 0) + count);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`);
  const time = job.finishedAt ? ` in ${formatDuration(job.finishedAt.getTime() - job.submittedAt.getTime())}` : "";
  return `job ${job.id} ${job.state}${time} (${parts.join(", ")})`;
}
