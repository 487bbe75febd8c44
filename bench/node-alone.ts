import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SPAWNER = fileURLToPath(new URL("./spawner.js", import.meta.url));
const runFile = promisify(execFile);

/** Milliseconds that Node alone needs to run the command `count` times, `concurrency` at a time (see spawner.ts). */
export async function nodeAloneMs(count: number, concurrency: number, command: readonly string[]): Promise<number> {
  const { stdout } = await runFile(process.execPath, [SPAWNER, String(count), String(concurrency), ...command]);
  return Number(stdout);
}
