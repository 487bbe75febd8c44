import { Command } from "commander";
import { type ErrorCode, WeftError } from "../../lib/core/error.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { Collected } from "../../services/artifacts/index.ts";
import { withApi } from "../api.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { stderr, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

type Line = {
  readonly step?: string;
  readonly count?: number;
  readonly result?: Collected;
  readonly error?: { readonly code: string; readonly message: string };
};

export function gcCommand(): Command {
  return new Command("gc")
    .description("remove artifacts that no job, run, model or data set refers to")
    .option("--dry-run", "only say what would be removed")
    .option("--json", "print JSON: { artifacts, bytes, garbage, garbageBytes, young, missing, … }")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nWhat was stored, or counted on, within three days is left.\n\nExamples:\n  $ weft gc --dry-run\n  $ weft gc",
    )
    .action(gc);
}

async function gc(options: Options): Promise<void> {
  await withApi(options, async (api) => {
    let result: Collected | undefined;
    for await (const each of api.lines("collect garbage", "/v1/gc", { dryRun: options.dryRun ?? false })) {
      const line = each as Line;
      if (line.error) throw new WeftError(line.error.code as ErrorCode, line.error.message);
      if (line.result) result = line.result;
      else if (stderr.isTerminal) stderr.write(`${line.count} ${line.step}\n`);
    }
    if (result === undefined)
      throw new WeftError("unavailable", "the server broke off; run it again, it goes on where it was");
    if (options.json) return printJson(result);
    stdout.write(`${describe(result)}\n`);
  });
}

function describe(found: Collected): string {
  const lines = [
    `${found.artifacts} artifacts, ${formatSize(found.bytes)}`,
    `${found.garbage} ${found.dryRun ? "would be removed" : "removed"}, ${formatSize(found.garbageBytes)}`,
    ...found.garbageSample.map((digest) => `  ${digest}`),
  ];
  if (found.garbage > found.garbageSample.length)
    lines.push(`  and ${found.garbage - found.garbageSample.length} more`);
  if (found.young > 0) lines.push(`${found.young} that nobody refers to are younger than three days and left`);
  if (found.uploads > 0) lines.push(`${found.uploads} uploads that nobody went on with were given up`);
  if (found.missing > 0) {
    lines.push(`${found.missing} that something refers to are missing:`);
    lines.push(...found.missingSample.map((digest) => `  ${digest}`));
  }
  return lines.join("\n");
}
