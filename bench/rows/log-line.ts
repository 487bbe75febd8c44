import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pipeline } from "../../sdk/index.ts";
import { figure, type Row } from "../figure.ts";
import { epochMs, median, quantile } from "../sample.ts";

const LINES = 200;
/** The reader is there before the first line that counts. */
const SETTLE_MS = 3_000;
/** Lines come at no fixed beat, so that they cannot fall in step with whoever reads them. */
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 120;

/** Prints the time, by the clock all processes share, as often as is asked. */
const PRINTER = `
const epochMs = () => performance.timeOrigin + performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
await pause(${SETTLE_MS});
for (let i = 0; i < ${LINES}; i += 1) {
  console.log("at " + epochMs());
  await pause(${PAUSE_MS_MIN} + Math.random() * ${PAUSE_MS_MAX - PAUSE_MS_MIN});
}`;
const COMMAND = ["--input-type=module", "-e", PRINTER];
const CLI = fileURLToPath(new URL("../../cli/main.js", import.meta.url));

export const logLine: Row = {
  name: "log-line",
  about: "a line that a task prints, until a `weft logs -f` on the same machine has printed it",
  run: async (bench) => {
    const cluster = await bench.cluster({ agentCpus: 2 });
    const { id } = await cluster.client.submit(
      pipeline("bench-log").task("talk", { run: [process.execPath, ...COMMAND] }),
    );
    const reader = spawn(process.execPath, [CLI, "logs", id, "-f", "--server", cluster.grpc], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    bench.onEnd(() => void reader.kill());
    const delays = await delaysOf(reader);
    const peer = {
      unit: "ms",
      reference: "`tail -f` of a file that the same program writes (p50)",
      referenceValue: median(await tailDelays(cluster.home, bench)),
    };
    return [
      figure({ row: "log-line", value: median(delays), ...peer }, { compare: "≤", limit: 100, of: "value" }),
      figure({ row: "log-line p95", value: quantile(delays, 0.95), ...peer }),
    ];
  },
};

/** Milliseconds from the time in each line to its arrival here. */
async function delaysOf(reader: ChildProcess): Promise<number[]> {
  const delays: number[] = [];
  for await (const line of createInterface({ input: reader.stdout! })) {
    const at = /at (\d+\.\d+)/.exec(line)?.[1];
    if (at !== undefined) delays.push(epochMs() - Number(at));
    if (delays.length === LINES) break;
  }
  if (delays.length < LINES) throw new Error(`only ${delays.length} of ${LINES} lines arrived`);
  return delays;
}

async function tailDelays(folder: string, bench: { onEnd(stop: () => void): void }): Promise<number[]> {
  const path = join(folder, "tail.log");
  const file = openSync(path, "w");
  const writer = spawn(process.execPath, COMMAND, { stdio: ["ignore", file, "inherit"] });
  closeSync(file);
  const reader = spawn("tail", ["-n", "+1", "-f", path], { stdio: ["ignore", "pipe", "inherit"] });
  bench.onEnd(() => void [writer.kill(), reader.kill()]);
  const delays = await delaysOf(reader);
  reader.kill();
  return delays;
}
