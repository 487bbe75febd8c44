import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { type TaskInstance, type WeftClient } from "../../sdk/index.ts";
import { EXIT } from "../failure.ts";
import { whyOf } from "../follow.ts";
import { oneInstance, wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { stderr } from "../terminal.ts";
import { Tunnel } from "../tunnel.ts";

interface Options extends ServerOption {
  readonly index?: number;
  readonly localPort?: number;
}

const PORT_MAX = 65_535;
const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled", "skipped"]);

export function forwardCommand(): Command {
  return new Command("forward")
    .description("bring a port of a running task's machine to 127.0.0.1 here")
    .argument("<job>", "id of the job, or its beginning")
    .argument("<task>", "name of the task, or of an instance like train[3]")
    .argument(
      "[port]",
      "where the task listens, on 127.0.0.1 of its machine; of a service its own",
      wholeNumber(1, PORT_MAX),
    )
    .option("-i, --index <n>", "this instance of a mapped task", wholeNumber(0))
    .option(
      "-l, --local-port <port>",
      "listen there; 0: any free port (default: the same, or any if that is taken)",
      wholeNumber(0, PORT_MAX),
    )
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
It waits for the task to run, says where it listens, goes on when the task is tried again, and ends with the task.

Examples:
  $ weft forward 0mf3x notebook
  $ weft forward 0mf3x train 8888
  $ weft forward 0mf3x board 6006 --local-port 16006`,
    )
    .action(forward);
}

async function forward(jobId: string, taskArgument: string, port: number | undefined, options: Options): Promise<void> {
  const { task, index } = oneInstance(taskArgument, options.index);
  const end = new AbortController();
  const interrupt = (): void => {
    process.exitCode = EXIT.interrupted;
    end.abort();
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    await withServer(options, async (client) => {
      await untilEnded(client, { jobId, task, index, port, localPort: options.localPort, signal: end.signal });
    });
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

interface Wanted {
  readonly jobId: string;
  readonly task: string;
  readonly index: number;
  readonly port: number | undefined;
  readonly localPort: number | undefined;
  readonly signal: AbortSignal;
}

async function untilEnded(client: WeftClient, wanted: Wanted): Promise<void> {
  const { jobId, task, index, signal } = wanted;
  let { port } = wanted;
  const complaints = new Set<string>();
  const complain = (message: string): void => {
    // A page asks for dozens of things; what stands in their way is told once.
    if (complaints.has(message)) return;
    complaints.add(message);
    stderr.write(`weft: ${message}\n`);
  };
  // Says what is wrong with the name, if anything is.
  await client.explain(jobId, task, index);
  const tunnel = new Tunnel(
    (aborted) => client.forward(jobId, { task, index, port: port!, signal: aborted }),
    complain,
  );
  const onLost = (): void => complain("the connection to the server is lost; trying again");
  let listening = false;
  try {
    for await (const change of client.watch(jobId, { signal, onLost })) {
      const instance = change.tasks.find((each) => each.name === task && each.index === index);
      if (!instance) continue;
      if (ENDED.has(instance.state)) return complain(endLine(instance));
      if (instance.state !== "running") {
        if (!listening && complaints.size === 0) complain(`${task} is ${instance.state}; waiting until it runs`);
      } else if (!listening) {
        port ??= instance.service?.port ?? undefined;
        if (port === undefined) throw new WeftError("invalid", `${task} does not say where it listens; give the port`);
        const local = await listen(tunnel, port, wanted.localPort);
        listening = true;
        const from = `port ${port} of ${task} on ${instance.node}`;
        process.stdout.write(`forwarding 127.0.0.1:${local} to ${from}; Ctrl-C ends it\n`);
      }
    }
  } finally {
    tunnel.close();
  }
}

/** The same port where that is free; people know it by heart. */
async function listen(tunnel: Tunnel, port: number, localPort: number | undefined): Promise<number> {
  if (localPort !== undefined) return tunnel.listen(localPort);
  try {
    return await tunnel.listen(port);
  } catch {
    return tunnel.listen(0);
  }
}

function endLine(instance: TaskInstance): string {
  const why = whyOf(instance);
  return `${instance.name} has ended (${instance.state})${why === "" ? "" : `: ${why}`}`;
}
