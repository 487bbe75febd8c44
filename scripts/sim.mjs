// The simulator: `npm run sim -- --seeds N [--from S] [--json] | --mutations --json`. Sets up first what is missing; stdout holds the result only.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = (script, args, stdio) =>
  spawnSync(process.execPath, [join(root, script), ...args], { stdio, cwd: root }).status ?? 1;

process.exitCode =
  run("scripts/setup.mjs", [], ["ignore", 2, 2]) || run("dist/test/sim/main.js", process.argv.slice(2), "inherit");
