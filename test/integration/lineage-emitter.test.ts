import { afterEach, beforeEach, expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { inTransaction } from "../../lib/db.ts";
import { digestBytes } from "../../lib/digest.ts";
import { silentLog } from "../../lib/log.ts";
import { WorkReader } from "../../scheduler/work-reader.ts";
import { Emitter, runUuid } from "../../services/lineage/index.ts";
import { LineageReceiver } from "../support/lineage-receiver.ts";
import { startRecords, type TestRecords } from "../support/records.ts";
import { until } from "../support/wait.ts";

let records: TestRecords;
let receiver: LineageReceiver;
let emitter: Emitter | undefined;

beforeEach(async () => {
  [records, receiver] = await Promise.all([startRecords(), LineageReceiver.start()]);
});
afterEach(async () => {
  await emitter?.stop();
  emitter = undefined;
  await receiver.stop();
  await records.close();
});

const JOB = "mwv4glvnnhac";

/** As each server has one. Chance is what makes tries wait longer: none of it here. */
function open(url = `${receiver.url}/api/v1/lineage`): Emitter {
  return new Emitter({
    settings: { url, apiKey: null, namespace: "weft" },
    pool: records.pool,
    work: new WorkReader(records.pool),
    version: "1",
    now: Date.now,
    random: () => 0,
    log: silentLog(),
  });
}

/** A job whose attempts `names` have ended, told to the emitter in one transaction with that. */
async function ended(by: Emitter, names: readonly string[]): Promise<void> {
  await records.pool.query(
    `insert into jobs (id, pipeline, spec, shape, params, priority, trigger, submitted_at_ms, started_at_ms, state, cancel_requested, reason)
     values ($1, 'p', '{}', '[]', '{}', 0, 'manual', 1000, 1001, 'running', false, '') on conflict do nothing`,
    [JOB],
  );
  await inTransaction(records.pool, async (client) => {
    await client.query(
      `insert into executions (id, job_id, task, index, attempt, state, node_id, node, gpu_uuids, code_dirty, command, params, map, started_at_ms, finished_at_ms,
         reason, message, cpu_ms, peak_memory_bytes, usage_source, stdout_bytes, stderr_bytes)
       select $1 || '.' || task || '.0.1', $1, task, 0, 1, 'succeeded', 'n', 'node-1', '{}', false, 'run', '{}', '{}', 1100, 1200, '', '', 0, 0, 'none', 0, 0
         from unnest($2::text[]) as task`,
      [JOB, names],
    );
    const attempts = names.map((task) => ({ assignment: { ref: { job: JOB, task, index: 0, attempt: 1 } } }));
    await by.record(client, { started: [], ended: attempts as never, endedRanges: [], startedJobs: [], endedJobs: [] });
  });
}

const uuidOf = (task: string): string => runUuid(`${JOB}.${task}.0.1` as AttemptKey);
const taken = (task: string): string[] =>
  receiver.taken.filter(({ run }) => run.runId === uuidOf(task)).map(({ eventType }) => eventType as string);
const whole = (task: string): Promise<true> =>
  until(() => taken(task).includes("COMPLETE") || undefined, `${task} to be told`, 20_000);
const waiting = async (): Promise<number> =>
  Number((await records.pool.query("select count(*) from openlineage_outbox")).rows[0].count);
const empty = (): Promise<true> =>
  until(async () => (await waiting()) === 0 || undefined, "the outbox to be empty", 20_000);

test("a receiver that takes batches gets them, packed when they are large; one that does not, single events in order", async () => {
  emitter = open();
  await ended(emitter, ["a", "b", "c"]);
  await whole("c");
  // What was under way when a server stops is told again by the next.
  await empty();
  expect(receiver.posts.map(({ path }) => path)).toEqual([
    "/api/v1/lineage/batch",
    ...Array(6).fill("/api/v1/lineage"),
  ]);
  expect(receiver.taken.slice(0, 3).map(({ eventType }) => eventType)).toEqual(["START", "START", "START"]);
  await emitter.stop();

  receiver.posts.length = 0;
  receiver.answer = () => 204;
  emitter = open();
  const many = Array.from({ length: 1_200 }, (_, i) => `t${i}`);
  await ended(emitter, many);
  await whole("t1199");
  await empty();
  expect(receiver.posts.map(({ events }) => events.length)).toEqual([1_000, 1_000, 400]);
  expect(receiver.posts[0]!.headers["content-encoding"]).toBe("gzip");
  expect(taken("t700")).toEqual(["START", "COMPLETE"]);
});

test("what was read from a URI is told by its server and path, with the version that was read", async () => {
  await records.pool.query(
    `insert into source_reads (execution, name, job_id, task, node, uri, version, digest, kind, bytes, file_name, kept)
     values ($1, 'raw', $2, 'a', 's3://lake/in/raw.csv#v7', 's3://lake/in/raw.csv', 'v7', $3, 'file', 3, 'raw.csv', true)`,
    [`${JOB}.a.0.1`, JOB, digestBytes("raw")],
  );
  emitter = open();
  await ended(emitter, ["a"]);
  await whole("a");
  expect(receiver.taken.at(-1)!["inputs"]).toMatchObject([
    {
      namespace: "s3://lake",
      name: "in/raw.csv",
      facets: { version: { datasetVersion: "v7" }, weft_artifact: { digest: digestBytes("raw") } },
    },
  ]);
});

test("what a batch refuses for good is left out, what it asks for again comes again", async () => {
  let asked = 0;
  receiver.answer = () => {
    asked += 1;
    const failed =
      asked === 1 ? [{ index: 1, reason: "busy", retriable: true }] : [{ index: 0, reason: "odd", retriable: false }];
    return [200, { status: "partial_success", failed_events: failed }];
  };
  emitter = open();
  await ended(emitter, ["a"]);
  await empty();
  expect(asked).toBe(2);
});

test("one event that is refused does not keep the others; a key that is refused keeps all until it is right", async () => {
  receiver.answer = ({ path, events }) =>
    path.endsWith("/batch") ? 400 : events[0]!["run"].runId === uuidOf("bad") ? 422 : 201;
  emitter = open();
  await ended(emitter, ["bad", "good"]);
  await whole("good");
  await empty();
  expect(taken("bad")).toEqual([]);

  receiver.answer = () => 401;
  await ended(emitter, ["later"]);
  await until(() => receiver.posts.length > 5 || undefined, "the key to be refused", 20_000);
  expect(await waiting()).toBe(1);
  receiver.answer = () => 201;
  await whole("later");
});

test("of several servers one sends at a time, and what one left the next one sends", async () => {
  const url = receiver.url;
  await receiver.stop();
  const first = open(`${url}/api/v1/lineage`);
  await ended(first, ["a"]);
  await until(
    async () =>
      ((await records.pool.query("select from openlineage_outbox where attempts > 0")).rowCount ?? 0) > 0 || undefined,
    "a try",
    20_000,
  );
  await first.stop();
  await receiver.listen();
  receiver.answer = () => 201;
  const servers = [open(), open(), open()];
  await empty();
  for (const server of servers) await server.stop();
  expect(taken("a")).toEqual(["START", "COMPLETE"]);
});

test("events of this cluster's own attempts that come back to it are left out", async () => {
  emitter = open(`${records.url}/api/v1/lineage`);
  await ended(emitter, ["a", "b"]);
  await empty();
  const { rows } = await records.pool.query("select from openlineage_events union all select from openlineage_runs");
  expect(rows).toHaveLength(0);
});
