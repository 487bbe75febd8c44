import { Command, Option } from "commander";
import { LISTED_STATES, jobCounts } from "../job-line.ts";
import { wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { jobHeadJson, printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { stdout } from "../terminal.ts";
import { show, watchOption } from "../watching.ts";
import { ago, lasted } from "../when.ts";

interface Options extends ServerOption {
  readonly limit: number;
  readonly state?: readonly string[];
  readonly pipeline?: string;
  readonly json?: boolean;
  readonly watch?: boolean;
}

export function jobsCommand(): Command {
  return new Command("jobs")
    .description("list jobs, newest first")
    .option("-n, --limit <n>", "at most this many", wholeNumber(1, 1000), 50)
    .addOption(new Option("-s, --state <state...>", "only these states").choices(LISTED_STATES))
    .option("--pipeline <name>", "only jobs of this pipeline")
    .option("--json", "print JSON: a list of jobs, without their tasks")
    .addOption(watchOption())
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft jobs --watch\n  $ weft jobs --state failed --pipeline flight-delay --json",
    )
    .action(jobs);
}

async function jobs(options: Options): Promise<void> {
  const query = {
    limit: options.limit,
    ...(options.state === undefined ? {} : { states: options.state }),
    ...(options.pipeline === undefined ? {} : { pipeline: options.pipeline }),
  };
  await withServer(options, async (client) => {
    if (options.json) return printJson((await client.list(query)).jobs.map(jobHeadJson));
    await show(stdout, options.watch ?? false, async () => {
      const { jobs: listed, nextPageToken } = await client.list(query);
      if (listed.length === 0) return "no jobs yet; submit one: weft submit weft.yaml";
      const nowMs = Date.now();
      const rows = listed.map((job) => [
        job.id,
        job.pipeline,
        inColor(stdout.colors, job.state),
        jobCounts(job),
        ago(job.submittedAt, nowMs),
        lasted(job.startedAt, job.finishedAt, nowMs),
        job.trigger,
      ]);
      const more = nextPageToken === "" ? "" : `\n(more: --limit N)`;
      return renderTable(stdout, ["JOB", "PIPELINE", "STATE", "TASKS", "SUBMITTED", "LASTED", "TRIGGER"], rows) + more;
    });
  });
}
