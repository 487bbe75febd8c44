import { Command } from "commander";
import { differences } from "../difference.ts";
import { JobFailed } from "../failure.ts";
import { followJob, reportEnd } from "../follow.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { jobJson, printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

const DESCRIPTIONS = {
  retry: "run what failed of a job again, in a new job that takes over what succeeded",
  rerun: "run a whole job again: the same pipeline, parameters and code",
} as const;

const JSON_SAYS = {
  retry: "print JSON: { id, existing, taskInstances }; with --follow the whole job at its end",
  rerun:
    "wait for its end, and print JSON: { id, existing, taskInstances, equal, differences }; with --follow the whole job with equal and differences",
} as const;

export function rerunCommand(verb: "retry" | "rerun"): Command {
  return new Command(verb)
    .description(DESCRIPTIONS[verb])
    .argument("<job>", "id of the job, or its beginning; it must have ended")
    .option("-f, --follow", "show the new job until it ends; exit 1 when it did not succeed")
    .option("--idempotency-key <key>", "the same key gives the same job, however often it is asked for")
    .option("--json", JSON_SAYS[verb])
    .addOption(serverOption())
    .addHelpText("after", `\nExamples:\n  $ weft ${verb} 0mf3x\n  $ weft ${verb} 0mf3x --follow`)
    .action((job: string, options: Options) => rerun(verb, job, options));
}

async function rerun(verb: "retry" | "rerun", jobId: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const key = options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey };
    const submitted = await client.rerun(jobId, { failedOnly: verb === "retry", ...key });
    if (verb === "rerun" && options.json) {
      const done = await followJob(client, submitted.id, stdout, true);
      const found = differences(await client.get(jobId), done);
      printJson({ ...(options.follow ? jobJson(done) : submitted), equal: found.length === 0, differences: found });
      if (done.state !== "succeeded") throw new JobFailed();
      return;
    }
    if (!options.follow) {
      if (options.json) printJson(submitted);
      else stdout.write(`job ${submitted.id} accepted: ${verb} of ${jobId}\n  weft job ${submitted.id} --watch\n`);
      return;
    }
    if (!options.json) stdout.write(`job ${submitted.id}\n`);
    const job = await followJob(client, submitted.id, stdout, options.json ?? false);
    if (options.json) printJson(jobJson(job));
    else await reportEnd(client, job, stdout);
    if (verb === "rerun") {
      const found = differences(await client.get(jobId), job);
      const lines = found.map(
        ({ task, index, name, before, now }) => `  ${task}[${index}] ${name}: ${before} was, ${now} is`,
      );
      stdout.write(
        `${found.length === 0 ? "equal to" : "differs from"} ${jobId}\n${lines.map((line) => `${line}\n`).join("")}`,
      );
    }
    if (job.state !== "succeeded") throw new JobFailed();
  });
}
