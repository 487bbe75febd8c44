import { type Job, JobPicture, type TaskInstance, type WeftClient } from "../sdk/index.ts";
import { EXIT } from "./failure.ts";
import { LiveLines } from "./live.ts";
import { drawJob, summarize } from "./progress.ts";
import { instanceName, mappedTasks } from "./shape.ts";
import { inColor } from "./state.ts";
import { printable, type Terminal } from "./terminal.ts";
import { clock, lasted } from "./when.ts";

/** Of the failing attempt's stderr: enough for a traceback. */
const TAIL_LINES = 20;
const TAIL_BYTES_MAX = 64 * 1024;
/** Failed instances that are shown at the end; the rest is counted. */
const FAILED_SHOWN = 3;

/**
 * Shows a job until it ends: as a picture on a terminal, as a line for each change elsewhere, not at all when `quiet`.
 * Ctrl-C ends the showing and the process, not the job.
 */
export async function followJob(client: WeftClient, jobId: string, terminal: Terminal, quiet: boolean): Promise<Job> {
  const picture = new JobPicture();
  const onInterrupt = (): void => {
    live?.stop();
    process.stderr.write(
      `\njob ${jobId} goes on. Follow it: weft job ${jobId} --watch   Stop it: weft cancel ${jobId}\n`,
    );
    process.exit(EXIT.interrupted);
  };
  let live: LiveLines | undefined;
  let lost = "";
  process.once("SIGINT", onInterrupt);
  process.once("SIGTERM", onInterrupt);
  try {
    if (terminal.isTerminal && !quiet) {
      live = new LiveLines(terminal, () =>
        picture.job ? [...drawJob(picture.job, terminal, Date.now()), ...(lost ? [lost] : [])] : [lost || "…"],
      );
      live.start();
    }
    const onLost = (): void => {
      if (!quiet && !live && !lost) process.stderr.write("the connection to the server is lost; trying again\n");
      lost = terminal.colors.yellow("the connection to the server is lost; trying again");
    };
    for await (const change of client.watch(jobId, { onLost })) {
      const changed = picture.take(change);
      lost = "";
      if (!live && !quiet) printChanges(picture, changed, change.first, terminal);
    }
  } finally {
    live?.stop();
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
  return picture.job ?? (await client.get(jobId));
}

function printChanges(picture: JobPicture, changed: readonly TaskInstance[], first: boolean, terminal: Terminal): void {
  const { job } = picture;
  if (!job || changed.length === 0) return;
  const mapped = mappedTasks(job);
  for (const task of changed) {
    // At first everything is new: what has not begun yet is no change.
    if (first && (task.state === "pending" || task.state === "ready")) continue;
    terminal.write(`${changeLine(task, mapped, terminal)}\n`);
  }
}

function changeLine(task: TaskInstance, mapped: ReadonlySet<string>, terminal: Terminal): string {
  const name = instanceName(task, mapped.has(task.name));
  const at = task.finishedAt ?? task.startedAt ?? new Date();
  const again = task.attempt > 0 && (task.state === "ready" || task.state === "pending");
  const what = again ? `attempt ${task.attempt} ended, another follows` : inColor(terminal.colors, task.state);
  const parts = [terminal.colors.dim(clock(at)), name, what];
  if (task.node && ["assigned", "running"].includes(task.state)) parts.push(`on ${task.node}`);
  if (task.attempt > 1 && !again) parts.push(`(attempt ${task.attempt})`);
  if (task.finishedAt && task.startedAt) parts.push(`after ${lasted(task.startedAt, task.finishedAt, 0)}`);
  const line = parts.join(" ");
  const why = task.state === "succeeded" ? "" : whyOf(task);
  return why === "" ? line : `${line}: ${why}`;
}

/** The message says what the reason is a word for. */
export function whyOf(task: TaskInstance): string {
  return printable(task.message || (task.reason ?? "")).replaceAll("\n", " ");
}

/** What came of it: the summary and, when it failed, why, with the end of what the failing attempts wrote. */
export async function reportEnd(client: WeftClient, job: Job, terminal: Terminal): Promise<void> {
  terminal.write(`${inColor(terminal.colors, job.state, summarize(job))}\n`);
  if (job.state === "succeeded") return;
  const failed = job.tasks.filter((task) => task.state === "failed");
  if (job.reason && failed.length === 0) terminal.write(`${printable(job.reason)}\n`);
  const mapped = mappedTasks(job);
  for (const task of failed.slice(0, FAILED_SHOWN)) await reportFailed(client, job, task, mapped, terminal);
  if (failed.length > FAILED_SHOWN)
    terminal.write(`\nand ${failed.length - FAILED_SHOWN} more failed: weft job ${job.id}\n`);
}

async function reportFailed(
  client: WeftClient,
  job: Job,
  task: TaskInstance,
  mapped: ReadonlySet<string>,
  terminal: Terminal,
): Promise<void> {
  const { colors } = terminal;
  const name = instanceName(task, mapped.has(task.name));
  const why = whyOf(task);
  terminal.write(
    `\n${colors.red(`${name} failed`)} in attempt ${task.attempt}${task.node ? ` on ${task.node}` : ""}${why ? `: ${why}` : ""}\n`,
  );
  // The logs come from elsewhere than the state: if they cannot be had, the report still stands.
  const tail = await lastLines(client, job.id, task).catch((error: unknown) => [
    `(its log could not be read: ${String(error)})`,
  ]);
  if (tail.length > 0)
    terminal.write(
      `the end of its stderr:\n${tail.map((line) => `  ${colors.dim("|")} ${printable(line)}`).join("\n")}\n`,
    );
  terminal.write(`more: weft logs ${job.id} ${mapped.has(task.name) ? `'${name}'` : name}\n`);
}

async function lastLines(client: WeftClient, jobId: string, task: TaskInstance): Promise<string[]> {
  let tail = Buffer.alloc(0);
  for await (const chunk of client.logs(jobId, { task: task.name, index: task.index, attempt: task.attempt })) {
    if (chunk.stream !== "stderr") continue;
    tail = Buffer.concat([tail, chunk.data]).subarray(-TAIL_BYTES_MAX);
  }
  const lines = tail
    .toString("utf8")
    .replace(/\r?\n$/, "")
    .split(/\r?\n/);
  return lines.length === 1 && lines[0] === "" ? [] : lines.slice(-TAIL_LINES);
}
