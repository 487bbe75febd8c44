import { renameSync, writeFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Loaded into the server before its own code: on SIGUSR2 it collects garbage and writes
 * `{ heapUsed, external }` (bytes) to the file that WEFT_BENCH_HEAP names.
 */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const path = process.env["WEFT_BENCH_HEAP"];

process.on("SIGUSR2", () => {
  if (path === undefined) return;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  writeFileSync(`${path}.new`, JSON.stringify({ heapUsed, external }));
  renameSync(`${path}.new`, path);
});
