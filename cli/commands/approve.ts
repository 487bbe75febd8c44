import { userInfo } from "node:os";
import { Command } from "commander";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly reject?: boolean;
  readonly comment: string;
  readonly as?: string;
  readonly json?: boolean;
}

export function approveCommand(): Command {
  return new Command("approve")
    .description("give a task the approval that it waits for, or refuse it")
    .argument("<job>", "id of the job, or its beginning")
    .argument("<task>", "name of the task")
    .option("--reject", "refuse it: the task fails")
    .option("--comment <text>", "kept with the decision", "")
    .option("--as <name>", "who says so; your user name when it is left out")
    .option("--json", "print JSON: { id, task, approved, by }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft approve 0mf3x deploy\n  $ weft approve 0mf3x deploy --reject --comment 'not on a Friday'",
    )
    .action(approve);
}

async function approve(jobId: string, task: string, options: Options): Promise<void> {
  const by = options.as ?? nameOfUser();
  const approved = options.reject !== true;
  await withServer(options, async (client) => {
    await client.approve(jobId, task, { by, approved, comment: options.comment });
    if (options.json) printJson({ id: jobId, task, approved, by });
    else stdout.write(`${task} of job ${jobId} was ${approved ? "approved" : "rejected"} by ${by}\n`);
  });
}

/** A container may run as a user that no password file knows. */
function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "?"}`;
  }
}
