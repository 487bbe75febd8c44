import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import { attemptKey } from "../../lib/core/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { Recorder } from "../../scheduler/store.ts";
import { WorkReader } from "../../scheduler/work-reader.ts";
import { Emitter, type EmitterSettings } from "../../services/lineage/index.ts";
import { VERSION } from "../version.ts";

/** Where OpenLineage's own clients post to when they are given a server's address alone. */
const ENDPOINT = "/api/v1/lineage";
export const NAMESPACE_DEFAULT = "weft";

/**
 * `--openlineage-url` and `--openlineage-namespace`, or WEFT_OPENLINEAGE_URL and WEFT_OPENLINEAGE_NAMESPACE; WEFT_OPENLINEAGE_API_KEY is no flag, as others see
 * those. Null: nobody is told. Throws `invalid` that names the variable, and never the key.
 */
export function readOpenLineage(
  flags: { readonly openlineageUrl?: string; readonly openlineageNamespace?: string },
  env: NodeJS.ProcessEnv,
): EmitterSettings | null {
  const given = flags.openlineageUrl ?? env["WEFT_OPENLINEAGE_URL"] ?? "";
  if (given === "") return null;
  const name = flags.openlineageUrl === undefined ? "WEFT_OPENLINEAGE_URL" : "--openlineage-url";
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !["http:", "https:"].includes(url.protocol) || url.username !== "" || url.search !== "")
    throw new WeftError(
      "invalid",
      `${name} must be like https://marquez.example.org:5000, or the whole address that events are posted to; a key goes into WEFT_OPENLINEAGE_API_KEY`,
    );
  if (url.pathname === "/") url.pathname = ENDPOINT;
  return {
    url: url.href.replace(/\/$/, ""),
    apiKey: env["WEFT_OPENLINEAGE_API_KEY"] || null,
    namespace: readNamespace(flags, env),
  };
}

/** What this cluster's jobs and data sets are called in OpenLineage, whether anybody is told or not. */
export function readNamespace(flags: { readonly openlineageNamespace?: string }, env: NodeJS.ProcessEnv): string {
  return flags.openlineageNamespace ?? (env["WEFT_OPENLINEAGE_NAMESPACE"] || NAMESPACE_DEFAULT);
}

export function openEmitter(settings: EmitterSettings, pool: Pool, log: Log): Emitter {
  const parts = {
    settings,
    pool,
    work: new WorkReader(pool),
    version: VERSION,
    now: Date.now,
    random: Math.random,
    log,
  };
  return new Emitter(parts);
}

/** Writes down for the emitter what started and what ended. */
export function tellOf(emitter: Emitter): Recorder {
  return (client, { batch }) =>
    emitter.record(client, {
      started: batch.tasks
        .filter(({ state, startedAtMs }) => state === "running" && startedAtMs !== null)
        .map(attemptKey),
      ended: batch.ended,
      endedRanges: batch.endedRanges,
      startedJobs: batch.jobs.filter(({ startedAtMs }) => startedAtMs !== null).map(({ id }) => id),
      endedJobs: batch.jobs.filter(({ finishedAtMs }) => finishedAtMs !== null).map(({ id }) => id),
    });
}
