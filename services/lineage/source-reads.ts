import type { ClientBase, Pool } from "pg";
import type { SourceRead } from "../../lib/core/dispatch.ts";
import type { EndedAttempt, EndedRange } from "../../lib/core/execution.ts";
import { type AttemptKey, type JobId, parseAttemptKey } from "../../lib/core/ids.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import type { GraphNode } from "./core/node.ts";
import type { GraphSource } from "./source.ts";

/** Records what these attempts have read from outside their jobs. Part of the caller's transaction; repeating it changes nothing. */
export async function recordSourceReads(
  client: ClientBase,
  ended: readonly EndedAttempt[],
  ranges: readonly EndedRange[] = [],
): Promise<void> {
  const rows = [...ended.flatMap(readsOfAttempt), ...ranges.flatMap(readsOfRange)];
  if (rows.length === 0) return;
  await client.query({
    name: "lineage-source-reads",
    text: `insert into source_reads (execution, name, job_id, task, node, uri, version, digest, kind, bytes, file_name, kept)
           select job || '.' || task || '.' || index + i || '.' || attempt, name, job, task, node, uri, version, digest, kind, bytes,
                  "fileName", kept
             from json_to_recordset($1::json) as r(job text, task text, index int, attempt int, count int, name text, node text, uri text,
                    version text, digest text, kind text, bytes bigint, "fileName" text, kept bool),
                  generate_series(0, count - 1) as i
           on conflict do nothing`,
    values: [jsonRows(rows)],
  });
}

function readsOfAttempt({ assignment, report }: EndedAttempt): object[] {
  const ref = { ...assignment.ref, count: 1 };
  const reads = report.reads ?? [];
  return [
    ...pinned(assignment.inputs).map((input) => ({ ...input, ...ref })),
    ...reads.map((read) => ({ ...ref, ...read, node: `${read.uri}#${read.version}` })),
  ];
}

function readsOfRange({ inputs, maps, report }: EndedRange): object[] {
  const ref = { ...parseAttemptKey(report.key), count: maps.length };
  return pinned(inputs).map((input) => ({ ...input, ...ref }));
}

/** Those that were fixed when the job was accepted; what they are called outside is known since then. */
function pinned(inputs: EndedRange["inputs"]): object[] {
  return inputs.flatMap((input) => (input.node === undefined ? [] : [{ ...input, uri: "", version: "", kept: true }]));
}

/** What attempts of the job have read from URIs: each task, input and content once. */
export async function sourceReadsOf(pool: Pool, job: JobId): Promise<(SourceRead & { readonly task: string })[]> {
  const { rows } = await pool.query<SourceRead & { readonly task: string }>({
    name: "lineage-source-reads-of-job",
    text: `select distinct on (task, name, digest, kept) task, name, uri, version, digest, kind, bytes::float8 as bytes,
                  file_name as "fileName", kept
             from source_reads where job_id = $1 and uri <> '' order by task, name, digest, kept, execution`,
    values: [job],
  });
  return rows;
}

/** What these attempts have read from outside of their jobs, by input: its node in the graph. */
export async function sourceNodesOf(
  pool: Pool,
  executions: readonly AttemptKey[],
): Promise<{ readonly execution: AttemptKey; readonly name: string; readonly node: string }[]> {
  const { rows } = await pool.query<{ execution: AttemptKey; name: string; node: string }>({
    name: "lineage-source-nodes-of-executions",
    text: "select execution, name, node from source_reads where execution = any($1) order by execution, name",
    values: [executions],
  });
  return rows;
}

/** Of a version that somebody else told they wrote it is known what it came from: from them, and not from the thing as such. */
const unwritten = (node: string): string =>
  `not exists (select from openlineage_versions v where v.node = ${node} and v.run is not null)`;

/** What was read from outside, and by whom. A version of something outside is a node of its own beside the thing itself. */
export const readSource: GraphSource = {
  backward: `
    select r.node as next, 'input' as kind, r.name as name from source_reads r where r.execution = walk.node
    union all
    (select r.uri, 'version', '' from source_reads r where r.node = walk.node and r.uri <> ''
        and ${unwritten("r.node")} limit 1)`,
  forward: `
    select r.execution as next, 'input' as kind, r.name as name from source_reads r where r.node = walk.node
    union all
    select distinct r.node, 'version', '' from source_reads r where r.uri = walk.node and r.uri <> ''
       and ${unwritten("r.node")}`,
  describe: async (pool, ids) => {
    const { rows } = await pool.query<GraphNode>({
      name: "lineage-source-nodes",
      text: `select distinct on (node) node as id, 'external' as kind, node as label,
                    json_build_object('uri', uri, 'version', version, 'digest', digest, 'bytes', bytes, 'kept', kept) as facts
               from source_reads where node = any($1::text[]) and uri <> '' order by node, execution`,
      values: [ids],
    });
    return rows;
  },
  find: async (pool, text) => {
    if (!text.includes("://")) return [];
    const { rows } = await pool.query({
      name: "lineage-find-source",
      text: `select 1 where exists (select from source_reads where node = $1)
                or exists (select from source_reads where uri = $1 and uri <> '')`,
      values: [text],
    });
    return rows.length === 0 ? [] : [text];
  },
};
