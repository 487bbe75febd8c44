import { Command } from "commander";
import type { Audit } from "../../services/registry/index.ts";
import type { JobPins } from "../../services/tracking/index.ts";
import { withApi } from "../api.ts";
import { JobFailed } from "../failure.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { printable, stdout } from "../terminal.ts";

interface Options extends ServerOption {
  readonly json?: boolean;
}

export function auditCommand(): Command {
  return new Command("audit")
    .description(
      "check that all that each registered model, or one job, rests on is there: model, code, data, environment, signatures; exit 1 when not",
    )
    .argument("[job]", "instead of the models: a job, an attempt of it, or a run of one of its tasks")
    .option(
      "--json",
      "print JSON: { models: [{ name, version, pins }], missing }; of a job { job, reproducible, pins, missing, notPinned }",
    )
    .addOption(serverOption())
    .addHelpText("after", "\nExamples:\n  $ weft audit\n  $ weft audit --json | jq .missing\n  $ weft audit 0mf3x")
    .action(audit);
}

async function audit(job: string | undefined, options: Options): Promise<void> {
  await withApi(options, async (api) => {
    if (job !== undefined) {
      const found = await api.get<JobPins>(`audit job ${job}`, `/v1/audit?id=${encodeURIComponent(job)}`);
      if (options.json) printJson(found);
      else stdout.write(`${jobPinsText(found)}\n`);
      if (found.missing.length > 0) throw new JobFailed();
      return;
    }
    const found = await api.get<Audit>("audit the models", "/v1/audit");
    if (options.json) printJson(found);
    else stdout.write(`${describe(found)}\n`);
    if (found.missing > 0) throw new JobFailed();
  });
}

function describe({ models, missing }: Audit): string {
  const lines = models.map(({ name, version, pins }) => {
    const gone = pins.filter(({ state }) => state === "missing").map(({ says }) => says);
    const unknown = pins.filter(({ state }) => state === "unknown" || state === "loose").map(({ says }) => says);
    const said = gone.length > 0 ? gone : unknown;
    const counted = gone.length > 0 ? "missing: " : unknown.length > 0 ? "nothing missing; " : "all held";
    return `${name}/${version}  ${counted}${printable(said.join("; "))}`;
  });
  return [...lines, `${models.length} versions, ${missing} pins missing`].join("\n");
}

function jobPinsText({ job, reproducible, pins, missing, notPinned }: JobPins): string {
  const held = pins.filter(({ state }) => state === "held").length;
  return [
    `job ${job} is ${reproducible ? "" : "not "}reproducible: ${held} of ${pins.length} pins are held`,
    ...missing.map((says) => `  missing: ${printable(says)}`),
    ...notPinned.map((says) => `  not pinned: ${printable(says)}`),
  ].join("\n");
}
