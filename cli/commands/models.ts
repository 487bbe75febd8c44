import { Command } from "commander";
import { readFile } from "node:fs/promises";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { readGates } from "../../services/registry/core/gate-rules.ts";
import { actor } from "../actor.ts";
import { wholeNumber } from "../instance.ts";
import { modelsTable, modelText } from "../model-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { renderTable } from "../table.ts";
import { printable, stdout } from "../terminal.ts";
import { keysCommand, signCommand, verifyCommand } from "./model-signing.ts";

interface Options extends ServerOption {
  readonly limit?: number;
  readonly json?: boolean;
}

export function modelsCommand(): Command {
  const command = new Command("models")
    .description("list registered models, or show one with its versions and who moved its aliases")
    .argument("[model]")
    .option("-n, --limit <n>", "how many versions and moves", wholeNumber(1, 1000), 100)
    .option("--json", "print JSON")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Examples:
  $ weft models
  $ weft models fraud --json
  $ weft models register fraud runs:/4f3c…/model
  $ weft models gates gates.yaml                   the rules that promotions must pass (docs/registry.md)
  $ weft models verify fraud 7                     are its bytes and signatures what they should be

A model that has the name of a command is shown by \`weft models show MODEL\`.`,
    )
    .action(models);
  for (const sub of [showCommand(), registerCommand(), gatesCommand(), keysCommand(), signCommand(), verifyCommand()])
    command.addCommand(sub.exitOverride());
  return command;
}

function showCommand(): Command {
  return new Command("show")
    .description("show a model")
    .argument("<model>")
    .option("-n, --limit <n>", "how many versions and moves", wholeNumber(1, 1000), 100)
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action((name: string, _options: Options, command: Command) => models(name, command.optsWithGlobals<Options>()));
}

async function models(name: string | undefined, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    if (name !== undefined) {
      const model = await client.models.get(name, options.limit);
      if (options.json) return printJson(model);
      stdout.write(`${modelText(model, Date.now())}\n`);
      return;
    }
    const listed = await client.models.list();
    if (options.json) return printJson(listed);
    const none = "there are no models; `weft models register` or mlflow.register_model makes one";
    stdout.write(`${listed.length === 0 ? none : modelsTable(listed, Date.now())}\n`);
  });
}

interface RegisterOptions extends Options {
  readonly run?: string;
  readonly description?: string;
}

function registerCommand(): Command {
  return new Command("register")
    .description("make a version of a model; what its source holds now is what it holds for ever")
    .argument("<model>", "made when it is not there")
    .argument("<source>", "runs:/RUN/PATH, models:/NAME/VERSION, or the digest of a folder that a task gave")
    .option("--run <id>", "the tracked run that made it")
    .option("--description <text>")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action(async (name: string, source: string, _options: RegisterOptions, command: Command) => {
      const options = command.optsWithGlobals<RegisterOptions>();
      await withServer(options, async (client) => {
        const { run, description } = options;
        const uri = source.startsWith("sha256:") ? `weft:/${source}` : source;
        const made = await client.models.register(name, uri, {
          by: actor(process.env),
          ...(run === undefined ? {} : { runId: run }),
          ...(description === undefined ? {} : { description }),
        });
        if (options.json) return printJson(made);
        stdout.write(
          `${printable(name)} version ${made.version}${made.digest === null ? "; its files are not in the store, so that it has no digest" : `, ${made.digest}`}\n`,
        );
      });
    });
}

function gatesCommand(): Command {
  return new Command("gates")
    .description("show the rules that promotions must pass, or make them what a file says")
    .argument("[file]", "YAML (docs/registry.md)")
    .option("--json", "print JSON")
    .addOption(serverOption())
    .action(async (file: string | undefined, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const wanted = file === undefined ? undefined : await readGatesFile(file);
      await withServer(options, async (client) => {
        const set =
          wanted === undefined ? await client.models.gates() : await client.models.setGates(wanted, actor(process.env));
        if (options.json) return printJson(set);
        if (set.gates.length === 0) {
          stdout.write("there are no gates: every version may be promoted\n");
          return;
        }
        const rows = set.gates.map((gate) => [
          gate.name,
          printable(gate.models.join(" ")),
          printable([...gate.aliases, ...gate.stages.map((stage) => `stage:${stage}`)].join(" ")),
          printable(gate.data) || "any",
          printable(gate.require),
          gate.segments ? "each" : "-",
        ]);
        stdout.write(`${renderTable(stdout, ["GATE", "MODELS", "BEFORE", "DATA", "REQUIRES", "SEGMENTS"], rows)}\n`);
      });
    });
}

async function readGatesFile(path: string) {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new WeftError("invalid", `the file ${path} cannot be read: ${describeError(cause)}`, { cause });
  }
  try {
    return readGates(text);
  } catch (cause) {
    if (cause instanceof WeftError)
      throw new WeftError(cause.code, `${path}: ${cause.message}`, { cause: cause.cause });
    throw cause;
  }
}
