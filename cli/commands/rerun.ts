import { Command, InvalidArgumentError } from "commander";
import { ANY_METRIC } from "../../lib/core/pipeline/flow.ts";
import type { Job, WeftClient } from "../../sdk/index.ts";
import type { JobPins } from "../../services/tracking/index.ts";
import { type Api, withApi } from "../api.ts";
import type { ToleranceOf } from "../difference.ts";
import { EXIT, JobFailed } from "../failure.ts";
import { followJob, reportEnd } from "../follow.ts";
import { reportRerun, reportText } from "../rerun-report.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { jobJson, printJson } from "../shape.ts";
import { printable, stderr, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly follow?: boolean;
  readonly json?: boolean;
  readonly idempotencyKey?: string;
}

interface RerunOptions extends Options {
  readonly on?: string;
  readonly anyway?: boolean;
  readonly tolerance?: number;
  readonly exitCode?: boolean;
}

/** A pipeline of a thousand shell scripts pins a thousand environments to nothing. */
const NOT_PINNED_SHOWN = 6;
/** What stands for any node but those that the job ran on. */
const OTHER = "other";

export function retryCommand(): Command {
  return common("retry", "run what failed of a job again, in a new job that takes over what succeeded")
    .option("--json", "print JSON: { id, existing, taskInstances }; with --follow the whole job at its end")
    .action((job: string, options: Options) => retry(job, options));
}

export function rerunCommand(): Command {
  return common(
    "rerun",
    "run a whole job again from its pins: the same pipeline, parameters, code and data; and compare",
  )
    .option("--on <node>", `run all of it on this node; "${OTHER}": on none that it ran on`)
    .option("--anyway", "also when a pin is missing")
    .option(
      "--tolerance <share>",
      "metrics and numbers of results may be off by this share of what they were, whatever the pipeline says",
      share,
    )
    .option("--exit-code", `exit with ${EXIT.differs} when it came out otherwise`)
    .option(
      "--json",
      "wait for its end, and print JSON: { id, existing, taskInstances, equal, exact, differences, notPinned, … }; with --follow the whole job too",
    )
    .addHelpText(
      "after",
      `\nExit code ${EXIT.notReproducible}: a pin is missing, which is named, and nothing was run.\n  $ weft rerun 0mf3x --on gpu-2 --follow\n  $ weft rerun 0mf3x --on other --tolerance 0.01 --json | jq .equal`,
    )
    .action((job: string, options: RerunOptions) => rerun(job, options));
}

function common(verb: "retry" | "rerun", about: string): Command {
  return new Command(verb)
    .description(about)
    .argument("<job>", "id of the job, or its beginning; it must have ended")
    .option("-f, --follow", "show the new job until it ends; exit 1 when it did not succeed")
    .option("--idempotency-key <key>", "the same key gives the same job, however often it is asked for")
    .addOption(serverOption())
    .addHelpText("after", `\nExamples:\n  $ weft ${verb} 0mf3x\n  $ weft ${verb} 0mf3x --follow`);
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("A share like 0.01 would be right.");
}

const keyOf = ({ idempotencyKey }: Options) => (idempotencyKey === undefined ? {} : { idempotencyKey });

async function retry(jobId: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const submitted = await client.rerun(jobId, { failedOnly: true, ...keyOf(options) });
    if (!options.follow) {
      if (options.json) printJson(submitted);
      else stdout.write(accepted("retry", submitted.id, jobId));
      return;
    }
    if (!options.json) stdout.write(`job ${submitted.id}\n`);
    const job = await followJob(client, submitted.id, stdout, options.json ?? false);
    if (options.json) printJson(jobJson(job));
    else await reportEnd(client, job, stdout);
    if (job.state !== "succeeded") throw new JobFailed();
  });
}

const accepted = (verb: string, id: string, of: string): string =>
  `job ${id} accepted: ${verb} of ${of}\n  weft job ${id} --watch\n`;

async function rerun(jobId: string, options: RerunOptions): Promise<void> {
  await withApi(options, async (api, client) => {
    const before = await client.get(jobId);
    const pins = await api.get<JobPins>(`audit job ${before.id}`, `/v1/audit?id=${before.id}`);
    if (pins.missing.length > 0 && !options.anyway) return refuse(pins, options);
    if (!options.json) stderr.write(warnings(pins));
    const { on } = options;
    const place = on === undefined ? {} : on === OTHER ? { elsewhere: true } : { node: on };
    const submitted = await client.rerun(before.id, { ...place, ...keyOf(options) });
    if (!options.follow && !options.json) {
      stdout.write(accepted("rerun", submitted.id, before.id));
      return;
    }
    if (!options.json) stdout.write(`job ${submitted.id}\n`);
    const job = await followJob(client, submitted.id, stdout, options.json ?? false);
    await compare({ api, client, pins, before, job, submitted }, options);
    if (job.state !== "succeeded") throw new JobFailed();
  });
}

async function compare(
  rerun: {
    readonly api: Api;
    readonly client: WeftClient;
    readonly pins: JobPins;
    readonly before: Job;
    readonly job: Job;
    readonly submitted: object;
  },
  options: RerunOptions,
): Promise<void> {
  const { api, client, pins, before, job, submitted } = rerun;
  const tolerance: ToleranceOf = (task, metric) => options.tolerance ?? recordedTolerance(pins, task, metric);
  const report = await reportRerun(api, pins, before, job, tolerance);
  if (options.json) printJson({ ...(options.follow ? jobJson(job) : submitted), ...report });
  else {
    await reportEnd(client, job, stdout);
    stdout.write(printable(reportText(report, before.id)));
  }
  if (options.exitCode && !report.equal) process.exitCode = EXIT.differs;
}

/** What the pipeline says. */
function recordedTolerance({ metricTolerance }: JobPins, task: string, metric: string | null): number | undefined {
  const own = metricTolerance[task];
  return (metric === null ? undefined : own?.[metric]) ?? own?.[ANY_METRIC];
}

function refuse(pins: JobPins, { json }: RerunOptions): void {
  process.exitCode = EXIT.notReproducible;
  if (json) return printJson(pins);
  const lines = pins.missing.map((says) => `  ${printable(says)}\n`).join("");
  stderr.write(
    `${stderr.colors.red("weft:")} job ${pins.job} is not reproducible, and was not run:\n${lines}  (--anyway runs it all the same)\n`,
  );
}

function warnings({ job, missing, notPinned }: JobPins): string {
  const loose = notPinned.slice(0, NOT_PINNED_SHOWN).map((says) => `not pinned: ${says}`);
  const more = notPinned.length - loose.length;
  const lines = [...missing.map((says) => `missing: ${says}`), ...loose];
  if (more > 0) lines.push(`not pinned: ${more} more; weft audit ${job} shows them`);
  return lines.map((line) => `${stderr.colors.yellow("warning:")} ${printable(line)}\n`).join("");
}
