import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { bindParams } from "../../lib/core/pipeline/params.ts";
import { priority, wholeNumber } from "../instance.ts";
import { collectParam, readParams } from "../param.ts";
import { openPipeline, sendFolder, showingIssues } from "../pipeline-file.ts";
import { dateRange } from "../range.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly param: string;
  readonly from: string;
  readonly to: string;
  readonly step: string;
  readonly limit: number;
  readonly set: Readonly<Record<string, string>>;
  readonly id?: string;
  readonly priority?: number;
  readonly json?: boolean;
}

export function backfillCommand(): Command {
  return new Command("backfill")
    .description("run a pipeline once for each date of a range")
    .argument("<file>", "weft.yaml, or the folder that holds it")
    .requiredOption("--param <name>", "the parameter that gets the date, as a text")
    .requiredOption("--from <date>", "the first, like 2024-01-31 (UTC)")
    .requiredOption("--to <date>", "the last that is not beyond it")
    .option("--step <time>", "between two of them: 1d, 6h, …, or month", "1d")
    .option("--limit <n>", "so many jobs run at once; the others wait in line", wholeNumber(1, 10_000), 1)
    .option("--set <name=value>", "value of another parameter; may be repeated", collectParam, {})
    .option("--priority <p>", "-1000 to 1000, or low, normal, high, critical", priority)
    .option("--id <name>", "of this backfill: asked for again with the same, it makes the jobs that are missing")
    .option("--json", "print JSON: { id, jobs: [{ id, value, existing }] }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
The jobs are one concurrency group, instead of the pipeline's own. They are all accepted at once, and go on without this command.

Examples:
  $ weft backfill weft.yaml --param date --from 2024-01-01 --to 2024-01-31
  $ weft backfill . --param month --from 2023-01-01 --to 2023-12-01 --step month --limit 3`,
    )
    .action(backfill);
}

async function backfill(fileOrFolder: string, options: Options): Promise<void> {
  const values = dateRange(options.from, options.to, options.step);
  const pipeline = await openPipeline(fileOrFolder);
  const { spec } = pipeline.read;
  const others = readParams(options.set, spec.params);
  const bound = bindParams(spec, { ...others, [options.param]: values[0]! });
  if (!bound.ok) throw new WeftError("invalid", bound.issues.map(({ message }) => message).join("\n"));
  const id = options.id ?? randomBytes(5).toString("hex");
  await withServer(options, async (client) => {
    const code = await sendFolder(client, dirname(pipeline.file));
    const jobs: { id: string; value: string; existing: boolean }[] = [];
    if (!options.json) stdout.write(`backfill ${id}: ${values.length} jobs, ${options.limit} at once\n`);
    for (const value of values) {
      const made = await showingIssues(pipeline, () =>
        client.submit(toProto(spec), {
          params: { ...others, [options.param]: value },
          code,
          trigger: `backfill ${id}`,
          idempotencyKey: `backfill:${id}:${value}`,
          concurrency: { group: `backfill ${id}`, limit: options.limit },
          ...(options.priority === undefined ? {} : { priority: options.priority }),
        }),
      );
      jobs.push({ id: made.id, value, existing: made.existing });
      if (!options.json) stdout.write(`  ${value}  job ${made.id}${made.existing ? " (was there)" : ""}\n`);
    }
    if (options.json) printJson({ id, jobs });
  });
}
