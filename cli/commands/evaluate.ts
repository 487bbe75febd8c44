import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError } from "commander";
import { z } from "zod";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { actor } from "../actor.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { printable, stdout } from "../terminal.ts";
import { version } from "./promote.ts";

interface Options extends ServerOption {
  readonly data: string;
  readonly metric: Readonly<Record<string, number>>;
  readonly metrics?: string;
  readonly run?: string;
  readonly id?: string;
  readonly json?: boolean;
}

const values = z.record(z.string(), z.number());
const file = z.union([
  z.strictObject({ metrics: values, segments: z.record(z.string(), values).default({}) }),
  values.transform((metrics) => ({ metrics, segments: {} })),
]);

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("record what a version of a model was measured to be worth on some data: what gates are held against")
    .argument("<model>")
    .argument("<version>", "number of the version", version)
    .requiredOption("--data <name[@digest]>", "the data set; two versions are compared on the same digest only")
    .option("-m, --metric <name=value>", "one measure; may be repeated", collectMetric, {})
    .option("--metrics <file>", 'JSON: {"auc": 0.93}, or {"metrics": {…}, "segments": {"eu": {…}}}')
    .option("--run <id>", "the tracked run that measured")
    .option("--id <id>", "the same id again changes nothing; in a task: its attempt")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Examples:
  $ weft evaluate fraud 7 --data holdout@sha256:4f… -m auc=0.931 -m logloss=0.21
  $ weft evaluate fraud 7 --data holdout@2026-03 --metrics metrics.json`,
    )
    .action(evaluate);
}

function collectMetric(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const at = text.lastIndexOf("=");
  const value = Number(text.slice(at + 1));
  if (at < 1 || text.slice(at + 1).trim() === "" || Number.isNaN(value))
    throw new InvalidArgumentError(`"${text}" is not NAME=NUMBER, like auc=0.93.`);
  return { ...before, [text.slice(0, at)]: value };
}

async function evaluate(model: string, number: number, options: Options): Promise<void> {
  const { data, run = "", id = "" } = options;
  const at = data.indexOf("@");
  const [dataset, datasetDigest] = at < 0 ? [data, ""] : [data.slice(0, at), data.slice(at + 1)];
  const read = options.metrics === undefined ? { metrics: {}, segments: {} } : await readMetrics(options.metrics);
  const metrics = { ...read.metrics, ...options.metric };
  if (Object.keys(metrics).length === 0)
    throw new WeftError("invalid", "nothing was measured; give --metric NAME=VALUE, or --metrics FILE");
  const attempt = process.env["WEFT_ATTEMPT_KEY"] ?? "";
  await withServer(options, async (client) => {
    const evaluation = { dataset, datasetDigest, metrics, segments: read.segments, attempt, runId: run, id };
    const recorded = await client.models.evaluate(model, number, { ...evaluation, by: actor(process.env) });
    if (options.json) return printJson(recorded);
    stdout.write(`${printable(model)} version ${number} on ${printable(data)}: recorded as ${recorded.id}\n`);
  });
}

async function readMetrics(path: string): Promise<z.infer<typeof file>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new WeftError("invalid", `the file ${path} cannot be read as JSON: ${describeError(cause)}`, { cause });
  }
  const parsed = file.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new WeftError(
    "invalid",
    `${path} holds no metrics: {"auc": 0.93} would be right, or {"metrics": {"auc": 0.93}, "segments": {"eu": {"auc": 0.9}}}`,
  );
}
