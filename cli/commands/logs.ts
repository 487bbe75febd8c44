import { Command, Option } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import type { LogOptions } from "../../sdk/index.ts";
import { parseInstance, wholeNumber } from "../instance.ts";
import { LogPrinter } from "../log-printer.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { mappedTasks } from "../shape.ts";
import { stderr, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly follow?: boolean;
  readonly index?: number;
  readonly attempt?: number;
  readonly stream?: "stdout" | "stderr";
}

export function logsCommand(): Command {
  return new Command("logs")
    .description("show what tasks write, stdout and stderr together")
    .argument("<job>", "id of the job, or its beginning")
    .argument("[task]", "name of the task, or of an instance like train[3]; without it: all")
    .option("-f, --follow", "go on until the job ends")
    .option("-i, --index <n>", "this instance of a mapped task", wholeNumber(0))
    .option("-a, --attempt <n>", "this attempt; without it: the current or last", wholeNumber(1))
    .addOption(new Option("--stream <name>", "only this one").choices(["stdout", "stderr"]))
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Of one instance the bytes come as they were written; of several each line begins with its task.

Examples:
  $ weft logs 0mf3x -f
  $ weft logs 0mf3x train[3]
  $ weft logs 0mf3x train --index 3 --attempt 1 --stream stderr`,
    )
    .action(logs);
}

async function logs(jobId: string, taskArgument: string | undefined, options: Options): Promise<void> {
  const { task, index } = wanted(taskArgument, options.index);
  await withServer(options, async (client) => {
    const job = await client.get(jobId);
    const instances = job.tasks.filter((each) => each.name === task && (index === undefined || each.index === index));
    const printer = new LogPrinter({
      out: (bytes) => process.stdout.write(bytes),
      terminal: stdout,
      // One instance needs no names; a job's tasks may not all be known yet, so those of a whole job always get them.
      prefixes: task === undefined || instances.length !== 1 ? mappedTasks(job) : null,
      warn: (line) => stderr.write(`${line}\n`),
    });
    const query: LogOptions = {
      follow: options.follow ?? false,
      ...(task === undefined ? {} : { task }),
      ...(index === undefined ? {} : { index }),
      ...(options.attempt === undefined ? {} : { attempt: options.attempt }),
    };
    try {
      for await (const chunk of client.logs(job.id, query)) {
        if (options.stream === undefined || chunk.stream === options.stream) await printer.take(chunk);
      }
    } finally {
      printer.end();
    }
  });
}

function wanted(
  argument: string | undefined,
  indexOption: number | undefined,
): { task: string | undefined; index: number | undefined } {
  if (argument === undefined) {
    if (indexOption !== undefined)
      throw new WeftError("invalid", "--index names an instance of a task; name the task too");
    return { task: undefined, index: undefined };
  }
  const { task, index } = parseInstance(argument);
  if (index !== undefined && indexOption !== undefined && index !== indexOption) {
    throw new WeftError("invalid", `${argument} and --index ${indexOption} name two instances; keep one of the two`);
  }
  return { task, index: index ?? indexOption };
}
