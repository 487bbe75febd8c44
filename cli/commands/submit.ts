import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Command } from "commander";
import { putTree } from "../../lib/artifacts.ts";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { LIMITS } from "../../lib/core/pipeline/limits.ts";
import { bindParams } from "../../lib/core/pipeline/params.ts";
import { formatIssue, type LocatedIssue } from "../../lib/core/pipeline/source.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import { readPipeline, type Read } from "../../lib/core/pipeline/yaml.ts";
import { packFolder } from "../../lib/tree.ts";
import { type Submitted, type SubmitOptions, type WeftClient, WeftClientError } from "../../sdk/index.ts";
import { JobFailed } from "../failure.ts";
import { followJob, reportEnd } from "../follow.ts";
import { priority } from "../instance.ts";
import { listFolder } from "../pack.ts";
import { collectParam, readParams } from "../param.ts";
import { type ServerOption, serverOption, withServer, withStore } from "../session.ts";
import { jobJson, printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

const FILE_NAMES = ["weft.yaml", "weft.yml"];

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
  const file = await findFile(fileOrFolder);
  const read = await readFileOf(file);
  if (!read.ok) throw refusal(file, read.issues);
  const given = readParams(options.param, read.spec.params);
  const bound = bindParams(read.spec, given);
  if (!bound.ok) throw new WeftError("invalid", bound.issues.map(({ message }) => message).join("\n"));
  await withServer(options, async (client) => {
    const code = await sendFolder(client, dirname(file));
    const submitted = await sendJob(client, file, read, {
      params: given,
      code,
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      ...(options.project === undefined ? {} : { project: options.project }),
      ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
    });
    if (options.follow) await follow(client, submitted, options.json ?? false);
    else if (options.json) printJson(submitted);
    else stdout.write(`${announcement(read.spec.name, submitted)}\n${nextSteps(submitted.id)}\n`);
  });
}

async function findFile(fileOrFolder: string): Promise<string> {
  const info = await stat(fileOrFolder).catch(() => undefined);
  if (!info)
    throw new WeftError("invalid", `there is no ${fileOrFolder}; name a weft.yaml, or the folder that holds one`);
  if (!info.isDirectory()) return fileOrFolder;
  for (const name of FILE_NAMES) {
    const file = join(fileOrFolder, name);
    if (
      await stat(file).then(
        (found) => found.isFile(),
        () => false,
      )
    )
      return file;
  }
  throw new WeftError("invalid", `the folder ${fileOrFolder} holds no ${FILE_NAMES[0]}; name the pipeline's file`);
}

async function readFileOf(file: string): Promise<Read> {
  try {
    const { size } = await stat(file);
    // Not read at all: a data file named by mistake can have any size.
    if (size > LIMITS.fileBytes) {
      throw new WeftError(
        "too_large",
        `${file} has ${formatSize(size)}; a pipeline has at most ${formatSize(LIMITS.fileBytes)} (keep data in files of their own, and use a map for many like tasks)`,
      );
    }
    const bytes = await readFile(file);
    return readPipeline(new TextDecoder("utf8", { fatal: true }).decode(bytes), shown(file));
  } catch (error) {
    if (error instanceof WeftError) throw error;
    const what = error instanceof TypeError ? "is not UTF-8 text" : `cannot be read: ${describeError(error)}`;
    throw new WeftError("invalid", `${file} ${what}`, { cause: error });
  }
}

const shown = (file: string): string => file.replace(/^\.\//, "");

function refusal(file: string, issues: readonly LocatedIssue[]): WeftError {
  const count = issues.length === 1 ? "one thing is wrong" : `${issues.length} things are wrong`;
  return new WeftError(
    "invalid",
    `${count} in ${shown(file)}\n\n${issues.map((issue) => formatIssue(shown(file), issue)).join("\n\n")}`,
  );
}

async function sendFolder(client: WeftClient, folder: string): Promise<NonNullable<SubmitOptions["code"]>> {
  const content = await listFolder(folder);
  const packed = await packFolder(folder, content.paths);
  await withStore(client, (store) => putTree(store, packed, folder));
  return { digest: packed.digest, commit: content.commit, dirty: content.dirty };
}

/** What the server finds wrong is shown in the file, as what is found here. */
async function sendJob(
  client: WeftClient,
  file: string,
  read: Read & { ok: true },
  options: SubmitOptions,
): Promise<Submitted> {
  try {
    return await client.submit(toProto(read.spec), options);
  } catch (error) {
    if (!(error instanceof WeftClientError) || error.issues.length === 0) throw error;
    throw refusal(file, error.issues.map(read.locate));
  }
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
