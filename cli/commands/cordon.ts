import { Command } from "commander";
import type { Node, WeftClient } from "../../sdk/index.ts";
import { duration } from "../instance.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

type Verb = "cordon" | "drain" | "uncordon";

interface Options extends ServerOption {
  readonly reason?: string;
  readonly json?: boolean;
  /** Milliseconds. */
  readonly deadline?: number;
}

const DESCRIPTIONS: Readonly<Record<Verb, string>> = {
  cordon: "give a machine no new work; what runs there goes on",
  drain: "cordon a machine, and stop what runs there: it runs again elsewhere, and no retry is spent",
  uncordon: "give a machine work again",
};

const DONE: Readonly<Record<Verb, (node: Node) => string>> = {
  cordon: (node) => `${node.name} gets no new work; ${node.attempts} tasks go on there`,
  drain: (node) =>
    node.drainAt === null
      ? `${node.name} is being emptied of ${node.attempts} tasks`
      : `${node.name} gets no new work; what is left of its ${node.attempts} tasks is stopped at ${node.drainAt.toISOString()}`,
  uncordon: (node) => `${node.name} gets work again`,
};

export function cordonCommand(verb: Verb): Command {
  const command = new Command(verb)
    .description(DESCRIPTIONS[verb])
    .argument("<node>", "name or id")
    .option("--json", "print JSON: the node")
    .addOption(serverOption())
    .addHelpText("after", `\nExamples:\n  $ weft ${verb} gpu-7${verb === "uncordon" ? "" : " --reason 'new disk'"}`)
    .action((node: string, options: Options) => change(verb, node, options));
  if (verb === "drain") command.option("--deadline <time>", "let what runs go on for so long, like 10m", duration);
  return verb === "uncordon" ? command : command.option("--reason <text>", "kept with the node");
}

async function change(verb: Verb, node: string, options: Options): Promise<void> {
  const { reason = "" } = options;
  const calls: Readonly<Record<Verb, (client: WeftClient) => Promise<Node>>> = {
    cordon: (client) => client.cordon(node, reason),
    drain: (client) => client.drain(node, reason, options.deadline ?? 0),
    uncordon: (client) => client.uncordon(node),
  };
  await withServer(options, async (client) => {
    const changed = await calls[verb](client);
    if (options.json) printJson(changed);
    else stdout.write(`${DONE[verb](changed)}\n`);
  });
}
