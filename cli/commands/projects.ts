import { Command } from "commander";
import { formatSize, parseSize } from "../../lib/core/pipeline/units.ts";
import type { Project, ProjectChange, Quota } from "../../sdk/index.ts";
import { InvalidArgumentError } from "commander";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { stdout } from "../terminal.ts";
import { amount } from "./configure.ts";

interface ListOptions extends ServerOption {
  readonly json?: boolean;
}

interface SetOptions extends ListOptions {
  readonly weight?: number;
  readonly cpus?: number;
  readonly memory?: number;
  readonly gpus?: number;
  /** False with --no-quota. */
  readonly quota: boolean;
}

export function projectsCommand(): Command {
  return new Command("projects")
    .description("list projects: what each holds of its quota, its weight, and what waits")
    .option("--json", "print JSON: a list of projects")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft projects\n  $ weft projects --json")
    .action(async (options: ListOptions) => {
      await withServer(options, async (client) => {
        const projects = await client.projects();
        if (options.json) return printJson(projects);
        if (projects.length === 0) {
          stdout.write("no project has run or was given anything yet\n");
          return;
        }
        stdout.write(
          `${renderTable(stdout, ["PROJECT", "WEIGHT", "CPUS", "MEMORY", "GPUS", "WAITING"], projects.map(row))}\n`,
        );
      });
    });
}

export function projectCommand(): Command {
  return new Command("project")
    .description(
      "set a project's weight and quota: the share it gets of what several want, and what it may hold at most",
    )
    .argument("<name>")
    .option("--weight <n>", "twice the weight, twice the share", amount)
    .option("--cpus <n>", "quota", amount)
    .option("--memory <size>", "quota, like 64GiB", size)
    .option("--gpus <n>", "quota", amount)
    .option("--no-quota", "takes the whole quota away")
    .option("--json", "print JSON: the project")
    .addOption(serverOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ weft project vision --weight 3 --gpus 8\n  $ weft project vision --no-quota",
    )
    .action(setProject);
}

async function setProject(name: string, options: SetOptions): Promise<void> {
  await withServer(options, async (client) => {
    const before = (await client.projects()).find((project) => project.name === name)?.quota ?? {};
    const { cpus, memory, gpus } = options;
    const given: Quota = {
      ...(cpus !== undefined && { cpus }),
      ...(memory !== undefined && { memoryBytes: memory }),
      ...(gpus !== undefined && { gpus }),
    };
    const change: ProjectChange = {
      ...(options.weight !== undefined && { weight: options.weight }),
      ...(!options.quota ? { quota: {} } : Object.keys(given).length > 0 && { quota: { ...before, ...given } }),
    };
    const changed = await client.setProject(name, change);
    if (options.json) printJson(changed);
    else stdout.write(`${name}: weight ${changed.weight}, quota ${quotaText(changed.quota)}\n`);
  });
}

function row({ name, weight, quota, usage, waiting }: Project): string[] {
  const of = (held: number, most: number | undefined, text: (value: number) => string): string =>
    most === undefined ? text(held) : `${text(held)}/${text(most)}`;
  return [
    name,
    String(weight),
    of(usage.cpus, quota.cpus, String),
    of(usage.memoryBytes, quota.memoryBytes, formatSize),
    of(usage.gpus, quota.gpus, String),
    String(waiting),
  ];
}

function quotaText({ cpus, memoryBytes, gpus }: Quota): string {
  const parts = [
    cpus === undefined ? "" : `${cpus} CPUs`,
    memoryBytes === undefined ? "" : formatSize(memoryBytes),
    gpus === undefined ? "" : `${gpus} GPUs`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "none" : parts.join(", ");
}

function size(text: string): number {
  const parsed = parseSize(text);
  if (parsed.ok) return parsed.value;
  throw new InvalidArgumentError(parsed.message);
}
