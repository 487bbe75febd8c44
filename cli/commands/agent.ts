import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { startAgent } from "../../agent/main.ts";
import { NAME } from "../../lib/core/ids.ts";
import { parseDuration, parseSize } from "../../lib/core/pipeline/units.ts";
import { openLog } from "../../lib/log.ts";
import { stopInOrder } from "../../lib/shutdown.ts";
import { VERSION } from "../version.ts";

const DEFAULT_SERVER = "127.0.0.1:8081";
/** Tasks have their own grace (10 s unless they say otherwise) before they are killed; then their ends are reported. */
const STOP_MS_MAX = 60_000;
/** The runner looks once a second itself; what is sampled less often than once an hour says nothing. */
const INTERVAL_MS_MIN = 1_000;
const INTERVAL_MS_MAX = 3_600_000;

interface Flags {
  readonly server: string;
  readonly dir: string;
  readonly name?: string;
  readonly cpus?: number;
  readonly memory?: number;
  readonly label: Readonly<Record<string, string>>;
  readonly natsUrl?: string;
  readonly address?: string;
  readonly systemMetrics: number;
  readonly stopTasks: boolean;
}

export function agentCommand(): Command {
  return new Command("agent")
    .description("run the agent: this machine joins the cluster and runs tasks")
    .addOption(
      new Option("--server <host:port>", "gRPC address of the server")
        .env("WEFT_SERVER")
        .default(DEFAULT_SERVER)
        .argParser(address),
    )
    .option("--dir <dir>", "folder of the agent: its identity, its journal, the tasks' files", ".weft/agent")
    .option("--name <name>", "name of the node; without it: the host name", name)
    .option("--cpus <n>", "CPUs to offer; without it: what the machine has", cpus)
    .option("--memory <size>", "memory to offer, e.g. 16GiB; without it: what the machine has", memory)
    .option("--address <host>", "where other nodes reach this one, for gangs; without it: the host name")
    .option("--label <k=v>", "label of the node; may be repeated", label, {})
    .option("--nats-url <url>", "address of NATS; without it: the one the server names")
    .addOption(
      new Option("--system-metrics <interval>", "between two samples of what each task uses, for its run; 0: none")
        .env("WEFT_SYSTEM_METRICS")
        .default(10_000, "10s")
        .argParser(interval),
    )
    .option(
      "--stop-tasks",
      "stop the tasks when the agent is stopped; without it they run on for the next agent",
      false,
    )
    .addHelpText(
      "after",
      `
An agent that is stopped or killed leaves its tasks running; the next agent in the same folder takes them up.

Examples:
  $ weft agent --server weft.example:8081 --dir /var/lib/weft-agent
  $ weft agent --name gpu-7 --label zone=a --label rack=12 --memory 200GiB`,
    )
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const log = openLog({ name: "agent" });
  // The parent is `weft up`, which ends as a whole: nothing of its cluster runs on.
  const supervised = process.connected;
  const shutdown = stopInOrder({
    say: (line) => log.error(line),
    stepLimitMs: STOP_MS_MAX,
  });
  try {
    const agent = await startAgent({
      server: flags.server,
      dir: resolve(flags.dir),
      ...(flags.name === undefined ? {} : { name: flags.name }),
      ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
      ...(flags.memory === undefined ? {} : { memoryBytes: flags.memory }),
      ...(flags.natsUrl === undefined ? {} : { natsUrl: flags.natsUrl }),
      labels: flags.label,
      address: flags.address,
      systemMetricsMs: flags.systemMetrics,
      version: VERSION,
      log,
      signal: shutdown.signal,
    });
    const stop = (): Promise<void> => agent.stop({ stopTasks: flags.stopTasks || supervised });
    shutdown.onStop("the agent", stop);
    if (shutdown.signal.aborted) await stop();
    if (process.connected) process.send?.({ kind: "ready", node: agent.node });
  } catch (error) {
    // Asked to stop while it waited for the server: that is no failure.
    if (shutdown.signal.aborted) process.exit(0);
    throw error;
  }
  log.info({ reason: await shutdown.requested }, "stopping");
  process.exit((await shutdown.finished) ? 0 : 1);
}

function address(text: string): string {
  const port = Number(text.slice(text.lastIndexOf(":") + 1));
  if (!text.includes(":") || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new InvalidArgumentError(`"${text}" is no address; write host:port, e.g. ${DEFAULT_SERVER}`);
  return text;
}

function name(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/.test(text))
    throw new InvalidArgumentError("a name has letters, digits, dots and dashes, e.g. gpu-7");
  return text;
}

function cpus(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError("a number of CPUs is above 0, e.g. 4 or 0.5");
  return value;
}

function interval(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.message);
  if (parsed.value !== 0 && (parsed.value < INTERVAL_MS_MIN || parsed.value > INTERVAL_MS_MAX))
    throw new InvalidArgumentError(`"${text}" is no interval; 1s to 1h, or 0 for none`);
  return parsed.value;
}

function memory(text: string): number {
  const parsed = parseSize(text);
  if (!parsed.ok) throw new InvalidArgumentError(parsed.message);
  return parsed.value;
}

function label(text: string, labels: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf("=");
  const key = text.slice(0, at);
  if (at < 1 || !NAME.test(key)) throw new InvalidArgumentError(`"${text}" is no label; write name=value, e.g. zone=a`);
  return { ...labels, [key]: text.slice(at + 1) };
}
