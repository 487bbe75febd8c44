import type { Pool } from "pg";
import { WeftError } from "../../../../lib/core/error.ts";
import { type AttemptKey, isDigest } from "../../../../lib/core/ids.ts";
import { isoTime } from "../../../../lib/core/wall-clock.ts";
import { datasetNode } from "../core/node.ts";
import { runUuid } from "../run-id.ts";
import type { OwnReader } from "./own-reader.ts";
import type { RunFacts } from "./shape.ts";
import type { ToldReader } from "./told-reader.ts";

/** In one answer. */
const RUNS_MAX = 1_000;

export interface UpstreamParts {
  readonly pool: Pool;
  readonly told: ToldReader;
  readonly own: OwnReader;
}

/**
 * The run, and those that wrote what it read, and so on, nearest first: exactly the version where one was named; else whoever wrote the data set last before. Errors:
 * `not_found`.
 */
export async function upstreamRuns(parts: UpstreamParts, runId: string, depth: number): Promise<object[]> {
  const seen = new Set<string>([runId]);
  const answer: object[] = [];
  const attempts = new Map<string, AttemptKey>();
  let frontier = [runId];
  for (let i = 0; i <= depth && frontier.length > 0 && answer.length < RUNS_MAX; i += 1) {
    const runs = await runsOf(parts, frontier.slice(0, RUNS_MAX - answer.length), attempts);
    if (i === 0 && runs.length === 0)
      throw new WeftError(
        "not_found",
        `there is no run "${runId}" among those that were told, and no attempt has that id`,
      );
    const writers = await writersOf(parts, runs, attempts);
    frontier = [];
    for (const run of runs) {
      answer.push(toJson(run, writers));
      for (const { namespace, name } of run.inputs) {
        const writer = writers.get(`${run.id} ${datasetNode({ namespace, name })}`);
        if (writer === undefined || seen.has(writer)) continue;
        seen.add(writer);
        frontier.push(writer);
      }
    }
  }
  return answer;
}

/** In their order. `attempts`: those of them that are known by more than their UUID, to be read together. */
async function runsOf(
  { told, own }: UpstreamParts,
  ids: readonly string[],
  attempts: ReadonlyMap<string, AttemptKey>,
): Promise<RunFacts[]> {
  const keys = ids.flatMap((id) => attempts.get(id) ?? []);
  const runs = [...(await own.attempts(keys)), ...(await told.runsById(ids))];
  const known = new Map(runs.map((run) => [run.id, run]));
  const found: RunFacts[] = [];
  for (const id of ids) {
    const run = known.get(id) ?? (await own.run(id));
    if (run !== undefined) found.push(run);
  }
  return found;
}

/** By "READER DATASET". Bytes that an attempt made are known by their digest, whoever read them; adds it to `attempts`. */
async function writersOf(
  { pool, told }: UpstreamParts,
  runs: readonly RunFacts[],
  attempts: Map<string, AttemptKey>,
): Promise<ReadonlyMap<string, string>> {
  const uses = runs.flatMap((run) =>
    run.inputs.map((one) => ({
      reader: run.id,
      dataset: datasetNode(one),
      version: one.version,
      beforeMs: run.endedMs ?? run.updatedMs,
    })),
  );
  if (uses.length === 0) return new Map();
  const digests = [...new Set(uses.flatMap(({ version }) => (version !== null && isDigest(version) ? [version] : [])))];
  const { rows } = await pool.query<{ digest: string; producer: AttemptKey }>(
    "select digest, producer from artifacts where digest = any($1) and producer is not null",
    [digests],
  );
  const producers = new Map<string | null, string>(rows.map(({ digest, producer }) => [digest, runUuid(producer)]));
  for (const { producer } of rows) attempts.set(runUuid(producer), producer);
  const found = new Map(await told.writers(uses));
  for (const { reader, dataset, version } of uses) {
    const producer = producers.get(version);
    if (producer !== undefined && producer !== reader) found.set(`${reader} ${dataset}`, producer);
  }
  return found;
}

function toJson(run: RunFacts, writers: ReadonlyMap<string, string>): object {
  return {
    job: { namespace: run.namespace, name: run.name, version: run.jobVersion },
    run: {
      id: run.id,
      start: run.startedMs === null ? null : isoTime(Math.floor(run.startedMs)),
      end: run.endedMs === null ? null : isoTime(Math.floor(run.endedMs)),
      status: run.state,
    },
    inputs: run.inputs.map(({ namespace, name, version }) => ({
      namespace,
      name,
      version,
      producedByRunId: writers.get(`${run.id} ${datasetNode({ namespace, name })}`) ?? null,
    })),
  };
}
