import { Command, CommanderError } from "commander";
import { COMMANDS, type CommandEntry } from "./command-list.ts";
import { EXIT, explainFailure } from "./failure.ts";
import { stderr } from "./terminal.ts";
import { VERSION } from "./version.ts";

const EXAMPLES = `
Examples:
  $ weft up                                     a cluster on this machine
  $ weft submit weft.yaml --follow              run a pipeline and watch it
  $ weft submit . --param seed=3 --json         the same for scripts
  $ weft jobs --watch                           what runs
  $ weft logs 0mf3x train[2] -f                 what a task writes
  $ weft explain 0mf3x train                    why a task waits

Ids of jobs can be shortened. Exit codes: 0 done, 1 the job failed, 2 wrong input, 3 no server.`;

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("weft")
    .description("Runs machine-learning pipelines on a cluster of plain machines.")
    .version(VERSION, "-v, --version")
    .helpOption("-h, --help", "show help; also: weft help COMMAND")
    .addHelpText("after", EXAMPLES)
    .showHelpAfterError("(weft --help shows what there is)")
    .exitOverride();
  // Only the command that was asked for is loaded: `weft jobs` need not wait for the server's code.
  const wanted = argv.map((word) => COMMANDS.find(({ name }) => name === word)).find((entry) => entry !== undefined);
  const whole = wanted?.name === "completion" || wanted?.name === "words";
  for (const entry of COMMANDS)
    program.addCommand(await commandOf(entry, whole || entry === wanted), { hidden: entry.hidden ?? false });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return process.exitCode === undefined ? EXIT.ok : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, exit } = explainFailure(error, Boolean(process.env["WEFT_DEBUG"]));
    if (message !== "") stderr.write(`${stderr.colors.red("weft:")} ${message}\n`);
    return exit;
  }
}

async function commandOf(entry: CommandEntry, load: boolean): Promise<Command> {
  if (!load) return new Command(entry.name).description(entry.summary);
  const command = await entry.load();
  return command
    .exitOverride()
    .showHelpAfterError(`(weft help ${entry.name} shows how it is used)`)
    .description(command.description() || entry.summary);
}

// Someone who reads our output may have seen enough: `weft logs … | head`.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
    throw error;
  });
}
process.exitCode = await main(process.argv.slice(2));
