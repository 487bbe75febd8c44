import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Command } from "commander";
import { WeftError } from "../../lib/core/error.ts";
import { type Api, withApi } from "../api.ts";
import { wholeNumber } from "../instance.ts";
import { type ServerOption, serverOption } from "../session.ts";
import { printJson } from "../shape.ts";
import { stderr } from "../terminal.ts";

interface Options extends ServerOption {
  readonly output?: string;
  readonly start: boolean;
  readonly port: number;
  readonly json?: boolean;
}

interface Exported {
  readonly run: string;
  readonly path: string;
}

const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM"];
const PORT = 6006;
const PORT_MAX = 65_535;
/** TensorBoard takes what has this in its name for a file of events. */
const FILE = "events.out.tfevents.0.weft";

export function tensorboardCommand(): Command {
  return new Command("tensorboard")
    .description("write tracked runs as TensorBoard's event files, and start tensorboard on them if it is installed")
    .argument("<run...>", "ids of runs")
    .option("-o, --output <folder>", "keep the files there; without it: in a temporary folder, until tensorboard ends")
    .option("--no-start", "only write the files (to --output)")
    .option(
      "-p, --port <port>",
      "where tensorboard listens, on 127.0.0.1; 0: any free port",
      wholeNumber(0, PORT_MAX),
      PORT,
    )
    .option("--json", "print JSON: [{ run, path }], and do not start tensorboard")
    .addOption(serverOption())
    .addHelpText(
      "after",
      `
Examples:
  $ weft tensorboard 4f1c0d9ab2e8476f9a5d1c3e7b902f64
  $ weft tensorboard RUN RUN RUN --no-start -o runs && tensorboard --logdir runs`,
    )
    .action(tensorboard);
}

async function tensorboard(runs: readonly string[], options: Options): Promise<void> {
  const starts = options.start && !options.json;
  if (!starts && options.output === undefined)
    throw new WeftError("invalid", "say with -o FOLDER where the event files are to lie");
  const folder = options.output ?? (await mkdtemp(join(tmpdir(), "weft-tensorboard-")));
  try {
    const exported = await withApi(options, (api) => exportAll(api, runs, folder));
    if (options.json) return printJson(exported);
    for (const { run, path } of exported) stderr.write(`${run}  ${path}\n`);
    if (starts) await show(folder, options);
  } finally {
    if (options.output === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function exportAll(api: Api, runs: readonly string[], folder: string): Promise<Exported[]> {
  const exported: Exported[] = [];
  const names = new Set<string>();
  for (const run of new Set(runs)) {
    const bytes = await api.bytes(`export run ${run}`, `/v1/runs/${encodeURIComponent(run)}/events`);
    const name = folderName(decodeURIComponent(String(bytes.headers["x-run-name"] ?? "")), run, names);
    const place = join(folder, name);
    await mkdir(place, { recursive: true });
    const path = join(place, FILE);
    await pipeline(bytes, createWriteStream(path));
    exported.push({ run, path });
  }
  return exported;
}

/** The run's name, as far as it can name a folder; two of one name are told apart. */
function folderName(name: string, run: string, taken: Set<string>): string {
  const plain = name.replaceAll(/[^\p{L}\p{N}_.\- ]/gu, "_").replace(/^\.+/, "_") || run;
  const found = taken.has(plain) ? `${plain}-${run.slice(0, 8)}` : plain;
  taken.add(found);
  return found;
}

/** Until it ends. What is to end this ends it first; a terminal's Ctrl-C has reached it already, which does no harm. */
async function show(folder: string, { port, output }: Options): Promise<void> {
  const argv = ["--logdir", folder, "--host", "127.0.0.1", "--port", String(port)];
  const child = spawn("tensorboard", argv, { stdio: "inherit" });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of ENDING) process.on(signal, pass);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? notInstalled(output) : error),
      );
      child.once("exit", (code, signal) => {
        if (code === 0 || ENDING.some((one) => one === signal)) resolve();
        else reject(new WeftError("failed_precondition", `tensorboard ended with ${signal ?? `exit code ${code}`}`));
      });
    });
  } finally {
    for (const signal of ENDING) process.off(signal, pass);
  }
}

function notInstalled(output: string | undefined): WeftError {
  const kept = output === undefined ? "-o FOLDER keeps the files for one elsewhere" : `the files are in ${output}`;
  return new WeftError("failed_precondition", `tensorboard is not on PATH; pip install tensorboard, or: ${kept}`);
}
