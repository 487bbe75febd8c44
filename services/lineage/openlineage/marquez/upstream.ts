import type { Pool } from "pg";
import { WeftError } from "../../../../lib/core/error.ts";
import { isDigest } from "../../../../lib/core/ids.ts";
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
  let frontier = [runId];
  for (let i = 0; i <= depth && frontier.length > 0 && answer.length < RUNS_MAX; i += 1) {
    const runs = await runsOf(parts, frontier);
    if (i === 0 && runs.length === 0)
      throw new WeftError(
        "not_found",
        `there is no run "${runId}" among those that were told, and no attempt has that id`,
      );
    const writers = await writersOf(parts, runs);
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
  return answer.slice(0, RUNS_MAX);
}

async function runsOf({ told, own }: UpstreamParts, ids: readonly string[]): Promise<RunFacts[]> {
  const theirs = new Map((await told.runsById(ids)).map((run) => [run.id, run]));
  const all = await Promise.all(ids.map(async (id) => theirs.get(id) ?? (await own.run(id))));
  return all.filter((run) => run !== undefined);
}

/** By "READER DATASET". Bytes that an attempt made are known by their digest, whoever read them. */
async function writersOf(
  { pool, told }: UpstreamParts,
  runs: readonly RunFacts[],
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
  const { rows } = await pool.query<{ digest: string; producer: string }>(
    "select digest, producer from artifacts where digest = any($1) and producer is not null",
    [digests],
  );
  const producers = new Map<string | null, string>(rows.map(({ digest, producer }) => [digest, runUuid(producer)]));
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
