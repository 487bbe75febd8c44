import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { bindParams } from "../../lib/core/pipeline/params.ts";
import { formatDuration } from "../../lib/core/pipeline/units.ts";
import type { AppliedTrigger, Trigger } from "../../sdk/index.ts";
import { priority, wholeNumber } from "../instance.ts";
import { collectParam, readParams } from "../param.ts";
import { openPipeline, sendFolder, showingIssues } from "../pipeline-file.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { ago } from "../when.ts";

interface JsonOption extends ServerOption {
  readonly json?: boolean;
}

interface ApplyOptions extends JsonOption {
  readonly param: Readonly<Record<string, string>>;
  readonly secretFile: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly project?: string;
}

interface FireOptions extends JsonOption {
  readonly param: Readonly<Record<string, string>>;
  readonly key?: string;
  readonly force?: boolean;
}

export function triggerCommand(): Command {
  const command = new Command("trigger")
    .description("what starts a pipeline by itself: the entries of its `on:`")
    .addHelpText(
      "after",
      `
Examples:
  $ weft trigger apply examples/flight-delay      register what \`on:\` says; again after a change
  $ weft trigger list
  $ weft trigger show flight-delay.schedule       with its latest firings
  $ weft trigger fire flight-delay.schedule --param horizon_days=3
  $ weft trigger pause flight-delay.schedule`,
    );
  const sub = (name: string, description: string): Command =>
    command
      .command(name)
      .description(description)
      .addOption(serverOption())
      .option("--json", "print JSON")
      .exitOverride();
  sub("apply", "make the pipeline's triggers what its `on:` says: new ones are made, others changed, the rest removed")
    .argument("[file]", "weft.yaml, or the folder that holds it", ".")
    .option("-p, --param <name=value>", "value of a parameter in each firing; may be repeated", collectParam, {})
    .option("--priority <p>", "of each firing: -1000 to 1000, or low, normal, high, critical", priority)
    .option("--project <name>", "whose quota and share firings count against")
    .option(
      "--secret-file <trigger=file>",
      "a webhook's secret; without it one is made and shown once",
      collectSecret,
      {},
    )
    .action(apply);
  sub("list", "list triggers").argument("[pipeline]", "only of this pipeline", "").action(list);
  sub("show", "show a trigger and its latest firings")
    .argument("<trigger>", "PIPELINE.NAME")
    .option("-n, --firings <n>", "how many firings", wholeNumber(1, 1000), 20)
    .action(show);
  sub("pause", "fire no more; events that come meanwhile are dropped")
    .argument("<trigger>", "PIPELINE.NAME")
    .action((name: string, options: JsonOption) => change(name, "pause", options));
  sub("resume", "fire again; ticks that passed meanwhile are not missed")
    .argument("<trigger>", "PIPELINE.NAME")
    .action((name: string, options: JsonOption) => change(name, "resume", options));
  sub("fire", "fire now, also when it is paused")
    .argument("<trigger>", "PIPELINE.NAME")
    .option("-p, --param <name=value>", "laid over the trigger's; may be repeated", collectParam, {})
    .option("--key <key>", "the same key gives the same job, however often it is fired")
    .option("--force", "past cool-down and deduplication")
    .action(fire);
  sub("remove", "take it away; jobs that it started go on").argument("<trigger>", "PIPELINE.NAME").action(remove);
  sub("rotate-secret", "give a webhook a new secret; the old one is refused at once")
    .argument("<trigger>", "PIPELINE.NAME")
    .action(rotateSecret);
  return command;
}

function collectSecret(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError(`"${text}" is not TRIGGER=FILE, like webhook=secret.txt.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

async function apply(fileOrFolder: string, options: ApplyOptions): Promise<void> {
  const pipeline = await openPipeline(fileOrFolder);
  const { file, read } = pipeline;
  const params = readParams(options.param, read.spec.params);
  const bound = bindParams(read.spec, params);
  if (!bound.ok) throw new WeftError("invalid", bound.issues.map(({ message }) => message).join("\n"));
  const secrets = Object.fromEntries(
    await Promise.all(Object.entries(options.secretFile).map(async ([name, path]) => [name, await readSecret(path)])),
  ) as Record<string, string>;
  await withServer(options, async (client) => {
    const code = await sendFolder(client, dirname(file));
    const applied = await showingIssues(pipeline, () =>
      client.triggers.apply(toProto(read.spec), {
        params,
        code,
        secrets,
        ...(options.priority === undefined ? {} : { priority: options.priority }),
        ...(options.project === undefined ? {} : { project: options.project }),
      }),
    );
    if (options.json) return printJson(applied);
    const lines = applied.triggers.map(appliedLine);
    if (lines.length === 0) lines.push(`${read.spec.name} has no "on:", and had no triggers`);
    stdout.write(`${read.spec.name} version ${applied.version}\n${lines.join("\n")}\n`);
  });
}

async function readSecret(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (cause) {
    throw new WeftError("invalid", `the secret's file ${path} cannot be read: ${describeError(cause)}`, { cause });
  }
}

function appliedLine({ name, change, secret, hook, nextAt }: AppliedTrigger): string {
  const more = [
    ...(nextAt ? [`next ${nextAt.toISOString()}`] : []),
    ...(hook ? [`POST ${hook}`] : []),
    ...(secret ? [`secret ${secret} (not shown again)`] : []),
  ];
  return `  ${name} ${change}${more.length === 0 ? "" : `: ${more.join(", ")}`}`;
}

async function list(pipeline: string, options: JsonOption): Promise<void> {
  await withServer(options, async (client) => {
    const triggers = await client.triggers.list(pipeline);
    if (options.json) return printJson(triggers.map(triggerJson));
    if (triggers.length === 0) {
      stdout.write(
        `there are no triggers${pipeline === "" ? "" : ` of ${pipeline}`}; \`weft trigger apply\` makes those of a weft.yaml\n`,
      );
      return;
    }
    const rows = triggers.map((trigger) => [
      trigger.name,
      inColor(stdout.colors, trigger.state),
      trigger.kind,
      printable(trigger.source),
      ago(trigger.firedAt, Date.now()),
      trigger.nextAt?.toISOString() ?? "-",
    ]);
    stdout.write(`${renderTable(stdout, ["TRIGGER", "STATE", "KIND", "ON", "FIRED", "NEXT"], rows)}\n`);
  });
}

async function show(name: string, options: JsonOption & { readonly firings: number }): Promise<void> {
  await withServer(options, async (client) => {
    const trigger = await client.triggers.get(name, options.firings);
    if (options.json) return printJson(triggerJson(trigger));
    stdout.write(`${describeTrigger(trigger)}\n`);
  });
}

function describeTrigger(trigger: Trigger): string {
  const { code } = trigger;
  const params = { ...trigger.pipelineParams, ...trigger.params };
  const facts: (readonly [string, string])[] = [
    ["state", inColor(stdout.colors, trigger.state)],
    ["on", `${trigger.kind}: ${printable(trigger.source)}`],
    ["version", `${trigger.version}${code ? `, code ${code.commit?.slice(0, 12) ?? code.digest.slice(0, 19)}` : ""}`],
    [
      "params",
      printable(
        Object.entries(params)
          .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
          .join(" "),
      ) || "none",
    ],
    ["cool-down", trigger.cooldownMs === 0 ? "none" : formatDuration(trigger.cooldownMs)],
    [
      "dedupe",
      trigger.dedupeWindowMs === 0
        ? "none"
        : `${formatDuration(trigger.dedupeWindowMs)}${trigger.dedupeKey === "" ? "" : ` by ${trigger.dedupeKey}`}`,
    ],
    ...(trigger.nextAt ? [["next", trigger.nextAt.toISOString()] as const] : []),
    ...(trigger.hook ? [["hook", `POST ${trigger.hook}`] as const] : []),
  ];
  const head = facts.map(([key, text]) => `${stdout.colors.dim(key.padEnd(10))} ${text}`).join("\n");
  if (trigger.firings.length === 0) return `${head}\n\nnothing has come yet`;
  const rows = trigger.firings.map(({ event, at, state, jobId, reason }) => [
    at.toISOString(),
    inColor(stdout.colors, state),
    jobId ?? "-",
    printable(event),
    printable(reason ?? ""),
  ]);
  return `${head}\n\n${renderTable(stdout, ["AT", "STATE", "JOB", "EVENT", "WHY"], rows)}`;
}

async function change(name: string, verb: "pause" | "resume", options: JsonOption): Promise<void> {
  await withServer(options, async (client) => {
    const trigger = await client.triggers[verb](name);
    if (options.json) return printJson(triggerJson(trigger));
    const next = trigger.nextAt ? `; next ${trigger.nextAt.toISOString()}` : "";
    stdout.write(`${trigger.name} is ${trigger.state}${next}\n`);
  });
}

async function fire(name: string, options: FireOptions): Promise<void> {
  await withServer(options, async (client) => {
    const { pipeline, pipelineParams } = await client.triggers.get(name, 1);
    const { key, force } = options;
    const params = readParams(options.param, pipelineParams);
    const fired = await client.triggers.fire(name, {
      params,
      ...(key === undefined ? {} : { key }),
      ...(force === undefined ? {} : { force }),
    });
    if (options.json) return printJson(fired);
    if (fired.jobId === null)
      throw new WeftError(
        "failed_precondition",
        `${name} was not fired: ${fired.reason ?? fired.state}; --force fires it all the same`,
      );
    stdout.write(
      `job ${fired.jobId} ${fired.existing ? "was made before with this key" : `of ${pipeline} is queued`}\n`,
    );
  });
}

async function remove(name: string, options: JsonOption): Promise<void> {
  await withServer(options, async (client) => {
    await client.triggers.remove(name);
    if (options.json) printJson({ name });
    else stdout.write(`${name} is gone\n`);
  });
}

async function rotateSecret(name: string, options: JsonOption): Promise<void> {
  await withServer(options, async (client) => {
    const secret = await client.triggers.rotateSecret(name);
    if (options.json) printJson({ name, secret });
    else stdout.write(`${secret}\n`);
  });
}

/** What `--json` prints; scripts rely on it. */
function triggerJson(trigger: Trigger): object {
  return { ...trigger };
}
