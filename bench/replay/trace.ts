import { existsSync, statSync } from "node:fs";
import { WeftError } from "../../lib/core/error.ts";
import { isAlibaba, readAlibaba } from "./alibaba.ts";
import { isGavel, readGavel } from "./gavel.ts";
import type { Workload } from "./workload.ts";

/** Reads a folder of public traces and tells by its files which it is. */
export function readTrace(folder: string, options: { readonly pods: string; readonly seed: number }): Workload {
  if (!existsSync(folder)) throw new WeftError("not_found", `there is no folder ${folder}`);
  if (!statSync(folder).isDirectory())
    throw new WeftError("invalid", `${folder} is a file; give the folder that holds the trace's files`);
  if (isAlibaba(folder)) return readAlibaba(folder, options.pods);
  if (isGavel(folder)) return readGavel(folder, chance(options.seed));
  throw new WeftError(
    "not_found",
    `${folder} holds no trace that is known here: neither openb_node_list_all_node.csv (Alibaba gpu-v2023) nor DERIVED_jobs_all_vcs.csv (Gavel)`,
  );
}

/** Mulberry32: uniform in [0, 1), the same for the same seed. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
