import { Command, InvalidArgumentError } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import type { NodeChange } from "../../sdk/index.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly taint: readonly string[];
  readonly untaint: readonly string[];
  readonly pool?: string;
  readonly away: readonly string[];
  readonly reason?: string;
  readonly clearAway?: boolean;
  readonly quarantine: readonly string[];
  readonly release: readonly string[];
  readonly json?: boolean;
}

const collect = (text: string, before: readonly string[]): readonly string[] => [...before, text];

export function configureCommand(): Command {
  return new Command("configure")
    .description("say of a machine what keeps tasks away: taints, a pool, times of maintenance, devices in quarantine")
    .argument("<node>", "name or id")
    .option("--taint <key[=value]>", "only tasks that tolerate it run there; may be repeated", collect, [])
    .option("--untaint <key[=value]>", "takes a taint away; may be repeated", collect, [])
    .option("--pool <name>", 'only tasks that name the pool run there; "" takes it out of its pool')
    .option(
      "--away <from/to>",
      "it is taken away then (ISO 8601): nothing starts that could not end before",
      collect,
      [],
    )
    .option("--clear-away", "forgets the times of maintenance")
    .option("--quarantine <uuid>", "the device is given to nobody; may be repeated", collect, [])
    .option("--release <uuid>", "the device may be given again; may be repeated", collect, [])
    .option("--reason <text>", "of a maintenance or a quarantine")
    .option("--json", "print JSON: the node")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Examples:
  $ weft configure gpu-7 --taint team=vision
  $ weft configure gpu-7 --away 2027-01-10T02:00Z/2027-01-10T06:00Z --reason 'new disk'
  $ weft configure gpu-7 --quarantine GPU-4f1c --reason 'XID 79'`,
    )
    .action(configure);
}

async function configure(node: string, options: Options): Promise<void> {
  const { reason = "" } = options;
  await withServer(options, async (client) => {
    const known = (await client.nodes()).find((each) => each.id === node || each.name === node);
    const change: NodeChange = {
      ...(options.taint.length + options.untaint.length > 0 && {
        taints: [...(known?.taints ?? []).filter((taint) => !options.untaint.includes(taint)), ...options.taint],
      }),
      ...(options.pool !== undefined && { pool: options.pool }),
      addMaintenance: options.away.map((text) => ({ ...parseWindow(text), reason })),
      clearMaintenance: options.clearAway ?? false,
      quarantine: Object.fromEntries(options.quarantine.map((uuid) => [uuid, reason || "by an operator"])),
      release: options.release,
    };
    const changed = await client.configure(node, change);
    if (options.json) return printJson(changed);
    const facts = [
      changed.pool === "" ? "" : `pool ${changed.pool}`,
      changed.taints.length === 0 ? "no taints" : `taints ${changed.taints.join(" ")}`,
      ...changed.maintenance.map(({ from, to }) => `away ${from.toISOString()} to ${to.toISOString()}`),
      ...changed.gpus.filter(({ quarantined }) => quarantined !== "").map(({ uuid }) => `${uuid} in quarantine`),
    ];
    stdout.write(`${changed.name}: ${facts.filter((fact) => fact !== "").join(", ")}\n`);
  });
}

/** Two instants with a / between, as ISO 8601 writes an interval. */
function parseWindow(text: string): { from: Date; to: Date } {
  const [from, to] = text.split("/").map((part) => new Date(part));
  if (from && to && !Number.isNaN(from.getTime()) && !Number.isNaN(to.getTime())) return { from, to };
  throw new WeftError(
    "invalid",
    `"${text}" is no interval; write two times with a / between, like 2027-01-10T02:00Z/2027-01-10T06:00Z`,
  );
}

export function amount(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError("A number of 0 or more would be right.");
}
