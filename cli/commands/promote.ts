import { Command, InvalidArgumentError } from "commander";
import type { Promotion } from "../../sdk/index.ts";
import { actor } from "../actor.ts";
import { wholeNumber } from "../instance.ts";
import { verdictsText } from "../model-text.ts";
import { type ServerOption, serverOption, withServer } from "../session.ts";
import { printJson } from "../shape.ts";
import { printable, stdout } from "../terminal.ts";

/** Versions are numbers of 31 bits. */
const VERSION_MAX = 2 ** 31 - 1;

interface Options extends ServerOption {
  readonly reason?: string;
  readonly note?: string;
  /** Null: the alias must not be there. */
  readonly expect?: number | null;
  readonly json?: boolean;
}

export const version = wholeNumber(1, VERSION_MAX);

function expected(text: string): number | null {
  if (text === "none") return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`"${text}" is no version; write a number, or none.`);
}

export function promoteCommand(): Command {
  return new Command("promote")
    .description("point an alias of a model at a version, if the gates before it let it pass")
    .argument("<model>")
    .argument("<version>", "number of the version", version)
    .argument("<alias>", "e.g. production")
    .option("--reason <text>", "do it although a gate says no; the history says why")
    .option("--note <text>", "for the history; overrides nothing")
    .option(
      "--expect <version>",
      "only if the alias points at this version now; none: only if it is not there",
      expected,
    )
    .option("--json", "print JSON")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Without --expect the alias must be where it was when this command looked: of two promotions at once one wins, and the other is told.

Examples:
  $ weft promote fraud 7 production
  $ weft promote fraud 7 production --reason "the old one crashes on empty carts"`,
    )
    .action(promote);
}

async function promote(model: string, number: number, alias: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const { reason, note } = options;
    const there = async (): Promise<number | null> =>
      (await client.models.get(model, 1)).aliases.find((one) => one.alias === alias)?.version ?? null;
    const expect = options.expect === undefined ? await there() : options.expect;
    const done = await client.models.promote(model, number, alias, {
      by: actor(process.env),
      expect,
      ...(reason === undefined ? {} : { reason }),
      ...(note === undefined ? {} : { note }),
    });
    print(done, options);
  });
}

export function rollbackCommand(): Command {
  return new Command("rollback")
    .description("point an alias of a model at the version that it pointed at before")
    .argument("<model>")
    .argument("<alias>", "e.g. production")
    .option("--reason <text>", "for the history")
    .option("--expect <version>", "only if the alias points at this version now", expected)
    .option("--json", "print JSON")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft rollback fraud production --reason 'false alarms since noon'")
    .action(rollback);
}

async function rollback(model: string, alias: string, options: Options): Promise<void> {
  await withServer(options, async (client) => {
    const { reason, expect } = options;
    const done = await client.models.rollback(model, alias, {
      by: actor(process.env),
      ...(reason === undefined ? {} : { reason }),
      ...(expect === undefined ? {} : { expect }),
    });
    print(done, options);
  });
}

function print(done: Promotion, { json }: Options): void {
  if (json) return printJson(done);
  const { model, alias, from, to, gates, overridden } = done;
  const was = from === null ? "" : from === to ? ", as before" : `, was ${from}`;
  const against = overridden ? "; done against a gate, as the history says" : "";
  stdout.write(`${printable(model)}: ${printable(alias)} is version ${to}${was}${against}\n${verdictsText(gates)}`);
}
