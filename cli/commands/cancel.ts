import { Command } from "commander";
import { isEnded } from "../../sdk/index.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly reason: string;
  readonly json?: boolean;
}

export function cancelCommand(): Command {
  return new Command("cancel")
    .description("stop a job: what runs is stopped, what waits does not start")
    .argument("<job>", "id of the job, or its beginning")
    .option("--reason <text>", "kept with the job", "")
    .option("--json", "print JSON: { id, state }")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft cancel 0mf3x\n  $ weft cancel 0mf3x --reason 'wrong data'")
    .action(cancel);
}

async function cancel(jobId: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const state = await client.cancel(jobId, options.reason);
    if (options.json) printJson({ id: jobId, state });
    else
      stdout.write(
        isEnded(state)
          ? `job ${jobId}: ${state}\n`
          : `job ${jobId} is being cancelled; its tasks get time to stop: weft job ${jobId} --watch\n`,
      );
  });
}
