import { writeFileSync } from "node:fs";
import { describeError, ERRORS, WeftError } from "../../lib/core/error.ts";
import { chartOf } from "./chart.ts";
import { type Figures, figuresOf, type Setting, settingOf } from "./figures.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { replay, type Replayed } from "./replay.ts";
import { tableOf } from "./table.ts";
import { readTrace } from "./trace.ts";
import { cutWorkload, type Workload } from "./workload.ts";

try {
  const options = parseOptions(process.argv.slice(2));
  if (options) replayAll(options);
  else process.stdout.write(helpText());
} catch (error) {
  console.error(describeError(error));
  process.exitCode = error instanceof WeftError ? ERRORS[error.code].exit : 1;
}

function replayAll(options: Options): void {
  const { load, seed, json, chart, policies } = options;
  const workload = cutWorkload(readTrace(options.trace, options), options);
  const setting = settingOf(workload, load, seed);
  if (!json) describe(setting, workload.jobs.length);
  const replayed = policies.flatMap((policy) => replayOne(workload, policy));
  const figures = replayed.map(figuresOf);
  if (json) print(setting, figures, policies.length);
  else if (figures.length > 0) console.log(tableOf(figures));
  if (chart !== null && replayed.length > 0) draw(chart, setting, replayed);
}

function replayOne(workload: Workload, policy: Options["policies"][number]): Replayed[] {
  const progress = new Progress(process.stderr);
  const onProgress = (ended: number): void => progress.say(policy.name, ended, workload.jobs.length);
  try {
    return [replay(workload, policy, { wallClock: () => performance.now(), onProgress })];
  } catch (error) {
    // The others are still worth having; what is wrong with the workload is wrong for all.
    if (error instanceof WeftError && error.code !== "internal") throw error;
    console.error(`policy ${policy.name} failed: ${describeError(error)}`);
    process.exitCode = 1;
    return [];
  } finally {
    progress.clear();
  }
}

function describe(setting: Setting, jobs: number): void {
  const { trace, machines, gpus, load, offeredLoad, notes } = setting;
  console.log(`${trace}: ${jobs} jobs on ${machines} machines with ${gpus} GPUs, load ${load}, seed ${setting.seed}`);
  console.log(`The jobs ask for ${offeredLoad} times the GPU time there is between the first arrival and the last.`);
  for (const note of notes) console.log(`- ${note}`);
}

/** One policy: its figures beside the setting. Several: a list of them. */
function print(setting: Setting, figures: readonly Figures[], asked: number): void {
  console.log(JSON.stringify(asked === 1 ? { ...setting, ...figures[0] } : { ...setting, policies: figures }));
}

function draw(path: string, { trace, machines, gpus, load }: Setting, replayed: readonly Replayed[]): void {
  try {
    writeFileSync(path, chartOf(`${trace}, ${machines} machines, ${gpus} GPUs, load ${load}`, replayed));
  } catch (cause) {
    throw new WeftError("invalid", `cannot write the chart to ${path}`, { cause });
  }
}
