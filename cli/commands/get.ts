import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import type { ArtifactClient } from "../../lib/artifacts.ts";
import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { Job, OutputArtifact, TaskInstance } from "../../sdk/index.ts";
import { download } from "../download.ts";
import { parseInstance, wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption, withServer, withStore } from "../session.ts";
import { instanceName, mappedTasks } from "../shape.ts";
import { stderr } from "../terminal.ts";

interface Options extends ServerOption {
  readonly output?: string;
  readonly index?: number;
  readonly force?: boolean;
}

export function getCommand(): Command {
  return new Command("get")
    .description("download an output of a task; its bytes are checked against their digest")
    .argument("<job>", "id of the job, or its beginning")
    .argument("<task>", "name of the task, or of an instance like train[3]")
    .argument("[output]", "name of the output; may be left out when there is one")
    .option("-o, --output <path>", "where to put it; - for stdout; without it: its own name, here")
    .option(
      "-i, --index <n>",
      "this instance of a mapped task; without it: all, each in a folder of its number",
      wholeNumber(0),
    )
    .option("--force", "write over what is there")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft get 0mf3x best onnx\n  $ weft get 0mf3x train[3] model -o model-3\n  $ weft get 0mf3x best metrics -o - | jq .",
    )
    .action(get);
}

async function get(
  jobId: string,
  taskArgument: string,
  outputName: string | undefined,
  options: Options,
): Promise<void> {
  await withServer(options, async (client) => {
    const job = await client.get(jobId);
    const parsed = parseInstance(taskArgument);
    const index = parsed.index ?? options.index;
    const instances = instancesOf(job, parsed.task, index);
    const found = instances.map((task) => ({ task, output: outputOf(task, outputName) }));
    const mapped = mappedTasks(job).has(parsed.task);
    await withStore(client, async (store) => {
      for (const { task, output } of found) {
        if (options.output === "-") {
          await toStdout(store, output, found.length);
          continue;
        }
        const all = mapped && index === undefined;
        const base = options.output ?? output.fileName;
        const path = all ? join(options.output ?? output.name, String(task.index), output.fileName) : base;
        await download(store, output, path, options.force ?? false);
        stderr.write(`${path}  ${formatSize(output.bytes)}  ${output.digest}\n`);
      }
    });
  });
}

function instancesOf(job: Job, name: string, index: number | undefined): TaskInstance[] {
  const ofTask = job.tasks.filter((task) => task.name === name);
  const ranges = job.resting.filter((range) => range.name === name);
  const resting = ranges.find(({ first, count }) => index === undefined || (index >= first && index < first + count));
  if (resting)
    throw new WeftError(
      "failed_precondition",
      `${name}[${index ?? resting.first}] has not run: it is ${resting.state}`,
    );
  if (ofTask.length === 0) {
    const names = new Set([...job.tasks, ...job.resting].map((task) => task.name));
    throw new WeftError("not_found", `job ${job.id} has no task "${name}"${hint(name, names)}`);
  }
  const wanted = index === undefined ? ofTask : ofTask.filter((task) => task.index === index);
  const count = ranges.reduce((sum, range) => sum + range.count, ofTask.length);
  if (wanted.length === 0)
    throw new WeftError("not_found", `task "${name}" has ${count} instances, 0 to ${count - 1}; there is no ${index}`);
  const mapped = mappedTasks(job).has(name);
  const unfinished = wanted.find((task) => task.state !== "succeeded" && task.outputs.length === 0);
  if (unfinished) {
    throw new WeftError(
      "failed_precondition",
      `${instanceName(unfinished, mapped)} is ${unfinished.state}; its outputs are there once it has succeeded (or ended, with keepOutputs)`,
    );
  }
  return wanted;
}

function outputOf(task: TaskInstance, name: string | undefined): OutputArtifact {
  const names = task.outputs.map((output) => output.name);
  if (name === undefined && task.outputs.length === 1) return task.outputs[0]!;
  const found = task.outputs.find((output) => output.name === name);
  if (found) return found;
  const known = names.length === 0 ? "; it has no outputs" : ` (there are: ${names.join(", ")})`;
  throw new WeftError(
    "not_found",
    name === undefined
      ? `task "${task.name}" has ${names.length} outputs; name one${known}`
      : `task "${task.name}" has no output "${name}"${names.length === 0 ? known : hint(name, names)}`,
  );
}

async function toStdout(store: ArtifactClient, output: OutputArtifact, count: number): Promise<void> {
  if (output.kind === "tree")
    throw new WeftError("invalid", `output "${output.name}" is a folder; give a path with -o`);
  if (count > 1)
    throw new WeftError("invalid", `there are ${count} instances; name one with --index, or give a folder with -o`);
  await pipeline(await store.open(output.digest as Digest), process.stdout, { end: false });
}
