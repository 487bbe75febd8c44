import type { Pool } from "pg";
import { attemptKey, type AttemptKey, parseAttemptKey } from "../../../lib/core/ids.ts";
import { executionsOf } from "../store.ts";
import { uriName } from "./core/node.ts";
import { ownNamespace, ownOutputName } from "./core/own.ts";
import type { ToldArtifact, ToldAttempt, ToldJob } from "./core/own-event.ts";
import type { OwnJob, OwnWork } from "./own-work.ts";

/** An attempt with its job; attempts whose job is gone are not told of. */
export interface Told {
  readonly attempt: ToldAttempt;
  readonly job: ToldJob;
}

interface Touched {
  readonly execution: AttemptKey;
  readonly direction: "input" | "output";
  readonly name: string;
  readonly digest: string;
  readonly kind: "file" | "tree";
  readonly bytes: number | null;
  /** Attempt that wrote it, and as which output; null: nobody here did. */
  readonly writer: AttemptKey | null;
  readonly output: string | null;
  /** Empty: it was not read from outside. */
  readonly uri: string;
  readonly version: string;
  /** Newest of the versions of data sets that have these bytes. */
  readonly data: string | null;
  readonly source: string | null;
}

/** What there is to say of attempts that have started or ended, by key; five statements however many. */
export async function toldAttempts(
  pool: Pool,
  work: OwnWork,
  namespace: string,
  keys: readonly AttemptKey[],
): Promise<ReadonlyMap<AttemptKey, Told>> {
  const refs = new Map(keys.flatMap((key) => [[key, parseAttemptKey(key)!] as const]));
  // Running before ended: an attempt that ends in between is found by the second.
  const running = await work.running(keys);
  const [executions, touched] = await Promise.all([executionsOf(pool, keys), touchedBy(pool, keys)]);
  const writers = touched.flatMap(({ writer }) => parseAttemptKey(writer ?? "")?.job ?? []);
  const jobs = new Map(
    (await work.jobs([...new Set([...[...refs.values()].map(({ job }) => job), ...writers])])).map((job) => [
      job.id,
      job,
    ]),
  );
  const artifacts = artifactsBy(touched, jobs, namespace);
  const told = new Map<AttemptKey, Told>();
  for (const { id, startedAtMs, node } of running) {
    const ref = refs.get(id)!;
    const job = jobs.get(ref.job);
    if (job !== undefined) told.set(id, { job, attempt: { ...ref, id, node, startedAtMs, end: null } });
  }
  for (const row of executions) {
    const job = jobs.get(row.jobId);
    if (job === undefined) continue;
    const { id, task, index, attempt, node, startedAtMs, finishedAtMs, ...end } = row;
    const of = (direction: string): ToldArtifact[] => artifacts.get(`${id} ${direction}`) ?? [];
    told.set(id, {
      job,
      attempt: {
        id,
        task,
        index,
        attempt,
        node,
        startedAtMs: startedAtMs ?? finishedAtMs,
        end: { ...end, atMs: finishedAtMs, inputs: of("input"), outputs: of("output") },
      },
    });
  }
  return told;
}

/** By attempt and direction. Equal bytes under two names are two data sets; the same one twice is one. */
function artifactsBy(
  touched: readonly Touched[],
  jobs: ReadonlyMap<string, OwnJob>,
  namespace: string,
): ReadonlyMap<string, ToldArtifact[]> {
  const all = new Map<string, ToldArtifact[]>();
  for (const row of touched) {
    const key = `${row.execution} ${row.direction}`;
    const list = all.get(key) ?? [];
    all.set(key, list);
    const artifact = toArtifact(row, jobs, namespace);
    if (!list.some((one) => one.name === artifact.name && one.digest === artifact.digest)) list.push(artifact);
  }
  return all;
}

function toArtifact(row: Touched, jobs: ReadonlyMap<string, OwnJob>, base: string): ToldArtifact {
  const { digest, kind, bytes, source } = row;
  if (row.uri !== "")
    return { ...uriName(row.uri), version: row.version || digest, digest, kind, bytes, source: row.uri };
  const own = parseAttemptKey(row.direction === "output" ? row.execution : (row.writer ?? ""));
  const job = own && jobs.get(own.job);
  const output = row.direction === "output" ? row.name : row.output;
  const common = { version: digest, digest, kind, bytes, source };
  if (own !== undefined && job !== undefined && output !== null)
    return {
      ...common,
      namespace: ownNamespace(base, job.project),
      name: ownOutputName(job.pipeline, own.task, output),
    };
  const reader = jobs.get(parseAttemptKey(row.execution)!.job);
  return { ...common, namespace: ownNamespace(base, reader?.project ?? "default"), name: row.data ?? digest };
}

/** All but code, which is where a job's source lies. The writer of an input is looked for in the job that read it, then anywhere. */
async function touchedBy(pool: Pool, keys: readonly AttemptKey[]): Promise<Touched[]> {
  if (keys.length === 0) return [];
  const { rows } = await pool.query<Touched>({
    name: "openlineage-touched",
    text: `
      select e.execution, e.direction, e.name, e.digest, a.kind, a.bytes::float8 as bytes, w.execution as writer, w.name as output,
             '' as uri, '' as version, d.name as data, nullif(d.source, '') as source
        from edges e
        join artifacts a on a.digest = e.digest
        left join lateral (
          select o.execution, o.name from edges o
           where e.direction = 'input' and o.direction = 'output' and o.digest = e.digest
             and o.execution = coalesce(
               (select i.execution from edges i
                 where i.digest = e.digest and i.direction = 'output' and i.execution ~>=~ (split_part(e.execution, '.', 1) || '.')
                   and i.execution ~<~ (split_part(e.execution, '.', 1) || '/') limit 1), a.producer)
           limit 1) as w on true
        left join lateral (
          select v.name, v.source from data_versions v
           where e.direction = 'input' and v.digest = e.digest order by v.added_at_ms desc limit 1) as d on true
       where e.execution = any($1) and not (e.direction = 'input' and e.name = 'code')
      union all
      select execution, 'input', name, digest, kind, bytes::float8, null, null, uri, version, null, null
        from source_reads where execution = any($1) and uri <> ''
       order by execution, direction, name, digest`,
    values: [keys],
  });
  return rows;
}

/** Keys of `count` neighbouring instances from `key` on. */
export function keysOfRange(key: AttemptKey, count: number): AttemptKey[] {
  const ref = parseAttemptKey(key)!;
  return Array.from({ length: count }, (_, i) => attemptKey({ ...ref, index: ref.index + i }));
}
