import { dirname } from "node:path";
import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { bindParams } from "../../lib/core/pipeline/params.ts";
import type { Submitted, WeftClient } from "../../sdk/index.ts";
import { JobFailed } from "../failure.ts";
import { followJob, reportEnd } from "../follow.ts";
import { priority } from "../instance.ts";
import { collectParam, readParams } from "../param.ts";
import { openPipeline, sendFolder, showingIssues } from "../pipeline-file.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { jobJson, printJson } from "../shape.ts";
import { stderr, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly param: Readonly<Record<string, string>>;
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly priority?: number;
  readonly project?: string;
  readonly idempotencyKey?: string;
}

export function submitCommand(): Command {
  return new Command("submit")
    .description("run a pipeline: its folder is packed, sent once, and the job is queued")
    .argument("[file]", "weft.yaml, or the folder that holds it", ".")
    .option("-p, --param <name=value>", "value of a parameter; may be repeated", collectParam, {})
    .option("-f, --follow", "show the job until it ends; exit 1 when it did not succeed")
    .option("--priority <p>", "-1000 to 1000, or low, normal, high, critical; without it: the pipeline's own", priority)
    .option("--project <name>", "whose quota and share it counts against; without it: the pipeline's own")
    .option("--idempotency-key <key>", "the same key gives the same job, however often it is submitted")
    .option("--json", "print JSON: { id, existing, taskInstances }; with --follow the whole job at its end")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
In a git work tree the tracked files travel, and untracked ones that are not ignored; elsewhere all files.
What .weftignore names (written like .gitignore) stays behind.

Examples:
  $ weft submit
  $ weft submit examples/flight-delay --follow
  $ weft submit weft.yaml --param seed=3 --param note="it's mine"
  $ weft submit . --idempotency-key "nightly-$(date +%F)" --json`,
    )
    .action(submit);
}

async function submit(fileOrFolder: string, options: Options): Promise<void> {
  const pipeline = await openPipeline(fileOrFolder);
  const { file, read } = pipeline;
  const given = readParams(options.param, read.spec.params);
  const bound = bindParams(read.spec, given);
  if (!bound.ok) throw new WeftError("invalid", bound.issues.map(({ message }) => message).join("\n"));
  await withServer(options, async (client) => {
    const code = await sendFolder(client, dirname(file));
    const submitted = await showingIssues(pipeline, () =>
      client.submit(toProto(read.spec), {
        params: given,
        code,
        ...(options.priority === undefined ? {} : { priority: options.priority }),
        ...(options.project === undefined ? {} : { project: options.project }),
        ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
      }),
    );
    if (read.spec.triggers) stderr.write(`its "on:" is not registered by a submit; \`weft trigger apply\` does that\n`);
    if (options.follow) await follow(client, submitted, options.json ?? false);
    else if (options.json) printJson(submitted);
    else stdout.write(`${announcement(read.spec.name, submitted)}\n${nextSteps(submitted.id)}\n`);
  });
}

async function follow(client: WeftClient, submitted: Submitted, json: boolean): Promise<void> {
  if (!json) stdout.write(`job ${submitted.id}\n`);
  const job = await followJob(client, submitted.id, stdout, json);
  if (json) printJson(jobJson(job));
  else await reportEnd(client, job, stdout);
  if (job.state !== "succeeded") throw new JobFailed();
}

function announcement(pipeline: string, { id, existing, taskInstances }: Submitted): string {
  const count = taskInstances === 1 ? "1 task instance" : `${taskInstances} task instances`;
  return existing ? `job ${id} was submitted before with this key` : `job ${id} accepted: ${pipeline}, ${count}`;
}

const nextSteps = (id: string): string => `  weft job ${id} --watch\n  weft logs ${id} -f\n  weft cancel ${id}`;
