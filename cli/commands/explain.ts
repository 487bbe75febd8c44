import { Command } from "commander";
import { parseInstance, wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { inColor } from "../state.ts";
import { stdout } from "../terminal.ts";
import { ago, clock } from "../when.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("show why a task is in the state it is in")
    .argument("<job>", "id of the job, or its beginning")
    .argument("<task>", "name of the task, or of an instance like train[3]")
    .argument("[index]", "number of the instance", wholeNumber(0))
    .option(
      "--json",
      "print JSON: { state, since, reasons: [{ kind, message, nodesFailing }], history: [{ from, to, state, kind, message, nodesFailing }], historySince }",
    )
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft explain 0mf3x train\n  $ weft explain 0mf3x train 3 --json")
    .action(explain);
}

async function explain(
  jobId: string,
  taskArgument: string,
  indexArgument: number | undefined,
  options: Options,
): Promise<void> {
  const { task, index } = parseInstance(taskArgument);
  await withServer(options, async (client) => {
    const found = await client.explain(jobId, task, index ?? indexArgument ?? 0);
    if (options.json) return printJson(found);
    const since = found.since ? ` (${ago(found.since, Date.now())})` : "";
    const lines = found.reasons.flatMap(({ message, nodesFailing }) => [
      `  ${message}`,
      ...Object.entries(nodesFailing).map(
        ([predicate, count]) => `    ${count === 1 ? "1 node fails" : `${count} nodes fail`} ${predicate}`,
      ),
    ]);
    const before = found.history.map(
      ({ from, to, state, message }) =>
        `  ${stdout.colors.dim(`${clock(from)} to ${clock(to)}`)} ${inColor(stdout.colors, state)}: ${message}`,
    );
    stdout.write(
      `${taskArgument} is ${inColor(stdout.colors, found.state)}${since}\n${[...lines, ...(before.length > 0 ? ["before:"] : []), ...before].map((line) => `${line}\n`).join("")}`,
    );
  });
}
