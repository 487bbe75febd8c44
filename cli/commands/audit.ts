import { Command } from "commander";
import { withApi } from "../api.ts";
import { JobFailed } from "../failure.ts";
import type { Audit } from "../server/audit.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function auditCommand(): Command {
  return new Command("audit")
    .description(
      "check that the bytes of all that each registered model rests on are there: model, code, data; exit 1 when not",
    )
    .option("--json", "print JSON: { models: [{ name, version, pins: [{ kind, id, state }] }], missing }")
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft audit\n  $ weft audit --json | jq .missing")
    .action(audit);
}

async function audit(options: Options): Promise<void> {
  await withApi(options, async (api) => {
    const found = await api.get<Audit>("audit the models", "/v1/audit");
    if (options.json) printJson(found);
    else stdout.write(`${describe(found)}\n`);
    if (found.missing > 0) throw new JobFailed();
  });
}

function describe({ models, missing }: Audit): string {
  const lines = models.flatMap(({ name, version, pins }) => {
    const not = pins.filter(({ state }) => state !== "there");
    const what = not.map(
      ({ kind, id, state }) => `${kind} ${id ?? "not recorded"}${state === "absent" ? " is missing" : ""}`,
    );
    return `${name}/${version}  ${what.length === 0 ? "all there" : what.join("; ")}`;
  });
  return [...lines, `${models.length} versions, ${missing} pins missing`].join("\n");
}
