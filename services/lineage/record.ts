import type { ClientBase } from "pg";
import type { EndedAttempt, EndedRange } from "../../lib/core/execution.ts";
import { attemptKey, type AttemptKey, type Digest, parseAttemptKey } from "../../lib/core/ids.ts";
import type { Run } from "../../lib/core/pipeline/spec.ts";
import { jsonRows } from "../../lib/json-rows.ts";
import { recordSourceReads } from "./source-reads.ts";
import { artifactsOf, artifactsRead, type ArtifactRecord, edgesOf, type EdgeRecord, readsOf } from "./core/graph.ts";

/**
 * Records attempts that have ended: their executions, the artifacts they touched and the edges between. Part of the
 * caller's transaction; four statements at most, however many attempts. Repeating it changes nothing.
 */
export async function recordEnded(client: ClientBase, ended: readonly EndedAttempt[]): Promise<void> {
  if (ended.length === 0) return;
  const edges = ended.flatMap(edgesOf);
  // Sent together: on a pipelined connection they cost one round trip.
  await Promise.all([
    insertExecutions(client, ended.map(toExecution)),
    recordSourceReads(client, ended),
    ...(edges.length === 0 ? [] : [insertArtifacts(client, artifactsOf(ended)), insertEdges(client, edges)]),
  ]);
}

/** The same of attempts that have ended alike: a row each, made from what they have in common. */
export async function recordEndedRanges(client: ClientBase, ranges: readonly EndedRange[]): Promise<void> {
  if (ranges.length === 0) return;
  const reading = ranges.filter((range) => readsOf(range).length > 0);
  await Promise.all([
    insertExecutionRanges(client, ranges),
    recordSourceReads(client, [], ranges),
    ...(reading.length === 0
      ? []
      : [insertArtifacts(client, artifactsRead(reading)), insertRangeEdges(client, reading)]),
  ]);
}

/** Records where the whole logs lie. Part of the caller's transaction; an attempt that has no execution is passed over. */
export async function recordArchived(
  client: ClientBase,
  reports: readonly { readonly key: AttemptKey; readonly stdout: Digest | null; readonly stderr: Digest | null }[],
): Promise<void> {
  if (reports.length === 0) return;
  await client.query({
    name: "lineage-archived",
    text: `update executions e set archived = true, stdout_digest = r.stdout, stderr_digest = r.stderr
             from json_to_recordset($1::json) as r(key text, stdout text, stderr text)
            where e.id = r.key and not e.archived`,
    values: [jsonRows(reports.map(({ key, stdout, stderr }) => ({ key, stdout, stderr })))],
  });
}

function toExecution({ assignment, state, node, code, params, map, report }: EndedAttempt) {
  const { run, ref } = assignment;
  return {
    id: attemptKey(ref),
    job_id: ref.job,
    task: ref.task,
    index: ref.index,
    attempt: ref.attempt,
    state,
    node_id: node.id,
    node: node.name,
    // An array type cannot come out of JSON; the ids of devices hold no comma.
    gpu_uuids: assignment.gpuUuids.join(","),
    code_digest: code?.digest ?? null,
    code_commit: code?.commit ?? null,
    code_dirty: code?.dirty ?? false,
    command: commandOf(run),
    params,
    map,
    started_at_ms: report.startedAtMs,
    finished_at_ms: report.endedAtMs,
    exit_code: report.exitCode,
    signal: report.signal,
    reason: "reason" in report.outcome ? report.outcome.reason : "",
    message: report.message,
    cpu_ms: report.usage.cpuMs,
    peak_memory_bytes: Math.round(report.usage.peakMemoryBytes),
    usage_source: report.usage.source,
    environment_digest: report.environmentDigest,
    stdout_bytes: report.logBytes.stdout,
    stderr_bytes: report.logBytes.stderr,
  };
}

function commandOf(run: Run): string {
  return run.kind === "script" ? run.script : JSON.stringify(run.argv);
}

const EXECUTION_COLUMNS = [
  ["id", "text"],
  ["job_id", "text"],
  ["task", "text"],
  ["index", "int"],
  ["attempt", "int"],
  ["state", "text"],
  ["node_id", "text"],
  ["node", "text"],
  ["code_digest", "text"],
  ["code_commit", "text"],
  ["code_dirty", "bool"],
  ["command", "text"],
  ["params", "jsonb"],
  ["map", "jsonb"],
  ["started_at_ms", "float8"],
  ["finished_at_ms", "float8"],
  ["exit_code", "int"],
  ["signal", "text"],
  ["reason", "text"],
  ["message", "text"],
  ["cpu_ms", "float8"],
  ["peak_memory_bytes", "bigint"],
  ["usage_source", "text"],
  ["environment_digest", "text"],
  ["stdout_bytes", "bigint"],
  ["stderr_bytes", "bigint"],
] as const;
const NAMES = EXECUTION_COLUMNS.map(([name]) => `"${name}"`).join(", ");
const TYPED = EXECUTION_COLUMNS.map(([name, type]) => `"${name}" ${type}`).join(", ");

async function insertExecutions(client: ClientBase, rows: readonly ReturnType<typeof toExecution>[]): Promise<void> {
  await client.query({
    name: "lineage-executions",
    text: `insert into executions (${NAMES}, gpu_uuids)
           select ${NAMES}, string_to_array(gpu_uuids, ',')
             from json_to_recordset($1::json) as r(${TYPED}, gpu_uuids text)
           on conflict (id) do nothing`,
    values: [jsonRows(rows)],
  });
}

async function insertExecutionRanges(client: ClientBase, ranges: readonly EndedRange[]): Promise<void> {
  const rowOf = ({ node, code, params, runs, maps, report }: EndedRange) => ({
    ...parseAttemptKey(report.key),
    ...report,
    count: report.startedAtMs.length,
    node_id: node.id,
    node: node.name,
    code_digest: code?.digest ?? null,
    code_commit: code?.commit ?? null,
    code_dirty: code?.dirty ?? false,
    commands: runs.map(commandOf),
    params,
    ...(report.tasks ? {} : { maps }),
  });
  const [bundles, neighbours] = apart(ranges);
  const sent: Promise<unknown>[] = [];
  const send = (name: string, text: string, parts: readonly EndedRange[]): void => {
    if (parts.length > 0) sent.push(client.query({ name, text, values: [jsonRows(parts.map(rowOf))] }));
  };
  send("lineage-execution-ranges", INSERT_RANGES, neighbours);
  send("lineage-execution-bundles", INSERT_BUNDLES, bundles);
  await Promise.all(sent);
}

/** Those of tasks, and those of neighbouring instances of one task. */
function apart(ranges: readonly EndedRange[]): readonly [readonly EndedRange[], readonly EndedRange[]] {
  const isBundle = ({ report }: EndedRange): boolean => report.tasks !== undefined;
  return [ranges.filter(isBundle), ranges.filter((range) => !isBundle(range))];
}

const INSERT_BUNDLES = `
  insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_digest, code_commit,
                          code_dirty, command, params, map, started_at_ms, finished_at_ms, exit_code, reason, message,
                          cpu_ms, peak_memory_bytes, usage_source, environment_digest, stdout_bytes, stderr_bytes)
  select job || '.' || name || '.' || index || '.' || attempt, job, name, index, attempt, 'succeeded', node_id, node, '{}',
         code_digest, code_commit, code_dirty, coalesce(own, commands[1]), params, '{}', started, finished, 0, '', '', cpu,
         round(memory), "usageSource", "environmentDigest", 0, 0
    from json_to_recordset($1::json) as r(
           job text, tasks text[], index int, attempt int, node_id text, node text, code_digest text, code_commit text,
           code_dirty bool, commands text[], params jsonb, "startedAtMs" float8[], "endedAtMs" float8[], "cpuMs" float8[],
           "peakMemoryBytes" float8[], "usageSource" text, "environmentDigest" text),
         unnest(tasks, "startedAtMs", "endedAtMs", "cpuMs", "peakMemoryBytes", commands)
           as each(name, started, finished, cpu, memory, own)
  on conflict (id) do nothing`;

/** Parts of lists are taken by number, which costs the same wherever they are. */
const INSERT_RANGES = `
  insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_digest, code_commit,
                          code_dirty, command, params, map, started_at_ms, finished_at_ms, exit_code, reason, message,
                          cpu_ms, peak_memory_bytes, usage_source, environment_digest, stdout_bytes, stderr_bytes)
  select job || '.' || task || '.' || index + i || '.' || attempt, job, task, index + i, attempt, 'succeeded', node_id,
         node, '{}', code_digest, code_commit, code_dirty, coalesce(commands ->> i, commands ->> 0), params, maps -> i,
         "startedAtMs"[i + 1], "endedAtMs"[i + 1], 0, '', '', "cpuMs"[i + 1], round("peakMemoryBytes"[i + 1]),
         "usageSource", "environmentDigest", 0, 0
    from json_to_recordset($1::json) as r(
           job text, task text, index int, attempt int, count int, node_id text, node text, code_digest text,
           code_commit text, code_dirty bool, commands jsonb, params jsonb, maps jsonb, "startedAtMs" float8[],
           "endedAtMs" float8[], "cpuMs" float8[], "peakMemoryBytes" float8[], "usageSource" text,
           "environmentDigest" text),
         generate_series(0, count - 1) as i
  on conflict (id) do nothing`;

async function insertRangeEdges(client: ClientBase, ranges: readonly EndedRange[]): Promise<void> {
  const [bundles, neighbours] = apart(ranges);
  const sent: Promise<unknown>[] = [];
  const send = (name: string, which: string, parts: readonly EndedRange[]): void => {
    if (parts.length === 0) return;
    const rows = parts.map((range) => ({
      ...parseAttemptKey(range.report.key),
      tasks: range.report.tasks,
      count: range.report.startedAtMs.length,
      reads: readsOf(range),
    }));
    const text = `insert into edges (execution, direction, name, digest) ${which} on conflict do nothing`;
    sent.push(client.query({ name, text, values: [jsonRows(rows)] }));
  };
  send("lineage-range-edges", RANGE_EDGES, neighbours);
  send("lineage-bundle-edges", BUNDLE_EDGES, bundles);
  await Promise.all(sent);
}

const RANGE_EDGES = `
  select job || '.' || task || '.' || index + i || '.' || attempt, 'input', name, digest
    from json_to_recordset($1::json) as r(job text, task text, index int, attempt int, count int, reads json),
         json_to_recordset(reads) as read(name text, digest text), generate_series(0, count - 1) as i`;

const BUNDLE_EDGES = `
  select job || '.' || each || '.' || index || '.' || attempt, 'input', name, digest
    from json_to_recordset($1::json) as r(job text, tasks text[], index int, attempt int, reads json),
         json_to_recordset(reads) as read(name text, digest text), unnest(tasks) as each`;

async function insertArtifacts(client: ClientBase, rows: readonly ArtifactRecord[]): Promise<void> {
  await client.query({
    name: "lineage-artifacts",
    // What was known as an input only gets its producer when one turns up; a producer that is there stays.
    text: `insert into artifacts as a (digest, kind, bytes, producer)
           select digest, kind, bytes, producer
             from json_to_recordset($1::json) as r(digest text, kind text, bytes bigint, producer text)
           on conflict (digest) do update set bytes = coalesce(a.bytes, excluded.bytes), producer = excluded.producer
            where a.producer is null and excluded.producer is not null`,
    values: [jsonRows(rows)],
  });
}

async function insertEdges(client: ClientBase, rows: readonly EdgeRecord[]): Promise<void> {
  await client.query({
    name: "lineage-edges",
    text: `insert into edges (execution, direction, name, digest)
           select execution, direction, name, digest
             from json_to_recordset($1::json) as r(execution text, direction text, name text, digest text)
           on conflict do nothing`,
    values: [jsonRows(rows)],
  });
}
