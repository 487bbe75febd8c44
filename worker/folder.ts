import { join } from "node:path";
import type { AttemptKey } from "../lib/core/ids.ts";

/** Names of what lies in the agent's folder, for the worker and the runner alike (see docs/architecture.md). */
export const attemptsDir = (dir: string): string => join(dir, "attempts");
export const attemptDir = (dir: string, key: AttemptKey): string => join(dir, "attempts", key);

export const WORKSPACE = "workspace";
export const TMP = "tmp";
export const CHECKPOINT = "checkpoint";
export const TENSORBOARD = "tensorboard";
export const SCRIPT = "script";
export const RESULT = "result.json";
/** What was read from outside for it. */
export const READS = "reads.json";
export const STDOUT = "stdout";
export const STDERR = "stderr";
export const PROCESS = "process.json";
/** All that process.json may have: a record is as long, so that the next one covers it. */
export const PROCESS_BYTES = 128;
export const EXIT = "exit.json";
/** Longer than any record in exit.json. */
export const EXIT_BYTES_MAX = 4096;
export const RUNNER_RECORD = "runner.pid";
export const RUNNER_LOG = "runner.log";
