import { randomUUID } from "node:crypto";
import { jetstream, type ConsumerMessages } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { expandAssignment, gatherReports } from "../../lib/core/alike.ts";
import { assignConsumer, type AssignMessage, type Report, reportSubject, STREAMS } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, type Digest, type JobId, type NodeId } from "../../lib/core/ids.ts";
import { type Log, silentLog } from "../../lib/log.ts";
import { openMetrics } from "../../lib/metrics.ts";
import { connectNats } from "../../lib/nats.ts";
import { Bus } from "../../scheduler/bus.ts";
import { check } from "../../scheduler/core/index.ts";
import { JobReader } from "../../scheduler/job-reader.ts";
import { Leadership, type LeadershipParts } from "../../scheduler/leadership.ts";
import { CacheDesk } from "../../scheduler/cache-desk.ts";
import { LoopMetrics } from "../../scheduler/loop-metrics.ts";
import type { SchedulerLoop } from "../../scheduler/run.ts";
import { openStore } from "../../scheduler/store.ts";
import { recordArchived, recordEnded, recordEndedRanges } from "../../services/lineage/index.ts";
import { capacity, endedReport, job, mapOver, pipeline, SUCCEEDED, task } from "../support/build.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { until } from "../support/wait.ts";

const N1 = "n1" as NodeId;
const log: Log = silentLog();
/** Short, so that a take-over is seen. */
const LEASE_MS = 600;

let database: TestDatabase;
let server: TestNats;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  [database, server] = await Promise.all([createDatabase(), startNats()]);
});
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
  await Promise.all([database.drop(), server.stop()]);
});

async function connectTest(): Promise<NatsConnection> {
  const nats = await connectNats({ url: server.url, name: "test" });
  closing.push(() => nats.close());
  return nats;
}

interface Server {
  readonly leadership: Leadership;
  readonly bus: Bus;
  readonly reader: JobReader;
  readonly store: ReturnType<typeof openStore>["store"];
  /** Of the leader, as soon as it leads. */
  readonly loop: () => Promise<SchedulerLoop>;
}

async function startServer(parts: Partial<LeadershipParts> = {}): Promise<Server> {
  const opened = openStore(database.url, log);
  closing.push(() => opened.close());
  const bus = await Bus.open(await connectTest(), log);
  const leadership = new Leadership({
    store: opened.store,
    bus,
    recorders: [
      async (client, { batch, archived }) => {
        await Promise.all([
          recordEnded(client, batch.ended),
          recordEndedRanges(client, batch.endedRanges),
          recordArchived(client, archived),
        ]);
      },
    ],
    cache: new CacheDesk({
      pool: opened.store.database.pool,
      records: { openArtifact: () => Promise.reject(new Error("no code was submitted")) },
      now: Date.now,
      log,
    }),
    config: { leaseMs: 30_000, skewMs: 100, silentHeartbeatsMax: 2, random: () => 0.5 },
    holder: randomUUID(),
    address: "127.0.0.1:1",
    leaseMs: LEASE_MS,
    now: Date.now,
    metrics: new LoopMetrics(openMetrics({ processMetrics: false })),
    log,
    ...parts,
  });
  closing.push(() => leadership.stop());
  const leading = async (): Promise<SchedulerLoop> => {
    const role = await until(() => leadership.role().kind === "leader" && leadership.role(), "the server leads");
    if (role.kind !== "leader") throw new Error("not reached");
    return role.loop;
  };
  return { leadership, bus, reader: new JobReader(opened.store.database.pool), store: opened.store, loop: leading };
}

/** Answers every assignment at once, as a node does whose tasks take no time. */
async function startAgent(bus: Bus, loop: SchedulerLoop, gathers = false): Promise<{ ran: AttemptKey[] }> {
  await loop.submit({ kind: "nodeJoined", node: N1, name: "one", labels: {}, address: "", capacity: capacity(1000) });
  await bus.ensureNode(N1);
  const nats = await connectTest();
  const js = jetstream(nats);
  const ran: AttemptKey[] = [];
  let messages: ConsumerMessages | undefined;
  const consumer = await js.consumers.get(STREAMS.assign, assignConsumer(N1));
  messages = await consumer.consume();
  const run = async (): Promise<void> => {
    for await (const message of messages) {
      const keys = message
        .json<AssignMessage>()
        .assignments.flatMap(expandAssignment)
        .map(({ ref }) => attemptKey(ref));
      const fresh = keys.filter((key) => !ran.includes(key));
      ran.push(...fresh);
      message.ack();
      const ends = fresh.map((key) => endedReport(key, SUCCEEDED));
      const reports = gathers
        ? gatherReports(ends)
        : ends.flatMap((end): Report[] => [{ kind: "started", key: end.key, atMs: Date.now() }, end]);
      const payload = JSON.stringify({ node: N1, reports });
      const store = (): Promise<boolean> =>
        js.publish(reportSubject(N1), payload, { msgID: keys.join() }).then(() => true);
      if (fresh.length > 0) await until(store, "the reports are stored", 20_000);
    }
  };
  const running = run();
  closing.push(async () => {
    messages.stop();
    await running;
  });
  return { ran };
}

const twoSteps = pipeline(task("first", { map: mapOver(20) }), task("second", { needs: ["first"] }));

async function ended(reader: JobReader, id: string): Promise<string> {
  return until(async () => {
    const progress = await reader.getProgress(id as JobId);
    return progress?.finishedAtMs != null && progress.state;
  }, `job ${id} ends`);
}

test("instances that travel together have a row and a lineage of their own each", async () => {
  const { loop: leading, bus, reader, store } = await startServer();
  const loop = await leading();
  const { ran } = await startAgent(bus, loop, true);
  const code = { digest: `sha256:${"a".repeat(64)}` as Digest, commit: null, dirty: false };
  await loop.submit({ kind: "jobSubmitted", job: { ...job("j0", twoSteps), code } });
  expect(await ended(reader, "j0")).toBe("succeeded");
  expect(new Set(ran).size).toBe(21);
  const { pool } = store.database;
  const { rows } = await pool.query<{ row: unknown }>(
    `select json_build_array(e.id, e.map, e.command, e.cpu_ms, t.attempt, t.state, t.exit_code,
                             t.started_at_ms = e.started_at_ms, g.digest) as row
       from executions e join tasks t on t.job = e.job_id and t.task = e.task and t.index = e.index
            join edges g on g.execution = e.id and g.direction = 'input' and g.name = 'code'
      where e.job_id = 'j0' and e.task = 'first' order by e.index`,
  );
  expect(rows.map(({ row }) => row)).toEqual(
    Array.from({ length: 20 }, (_, i) => [
      `j0.first.${i}.1`,
      { i },
      JSON.stringify(["true"]),
      1,
      1,
      "succeeded",
      0,
      true,
      code.digest,
    ]),
  );
});

test("tasks that travel together have a row and a lineage of their own each", async () => {
  const { loop: leading, bus, reader, store } = await startServer();
  const loop = await leading();
  const { ran } = await startAgent(bus, loop, true);
  const code = { digest: `sha256:${"b".repeat(64)}` as Digest, commit: "c", dirty: true };
  const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const spec = pipeline(
    ...names.map((name, i) => task(name, i < 6 ? {} : { run: { kind: "script", script: `echo ${name}` } })),
    task("last", { needs: names }),
  );
  await loop.submit({ kind: "jobSubmitted", job: { ...job("j0", spec), code, params: { p: 1 } } });
  expect(await ended(reader, "j0")).toBe("succeeded");
  expect(ran).toHaveLength(13);
  const { rows } = await store.database.pool.query<{ row: unknown }>(
    `select json_build_array(e.id, e.map, e.params, e.command, e.cpu_ms, e.index, e.attempt, e.node, e.code_commit, e.code_dirty,
                             t.attempt, t.state, t.exit_code, t.started_at_ms = e.started_at_ms, t.node = e.node_id, t.outputs,
                             t.assigned_at_ms is not null and t.finished_at_ms is not null, g.digest) as row
       from executions e join tasks t on t.job = e.job_id and t.task = e.task and t.index = e.index
            join edges g on g.execution = e.id and g.direction = 'input' and g.name = 'code'
      where e.job_id = 'j0' and e.task <> 'last' order by length(e.task), e.task`,
  );
  const common = [{}, { p: 1 }];
  const after = [1, 0, 1, "one", "c", true, 1, "succeeded", 0, true, true, [], true, code.digest];
  expect(rows.map(({ row }) => row)).toEqual(
    names.map((name, i) => [`j0.${name}.0.1`, ...common, i < 6 ? '["true"]' : `echo ${name}`, ...after]),
  );
});

test("a job runs from submit to end, and its lineage is written with it", async () => {
  const { loop: leading, bus, reader, store } = await startServer();
  const loop = await leading();
  const agent = await startAgent(bus, loop);
  const answer = await loop.submit({ kind: "jobSubmitted", job: job("a1", twoSteps, { idempotencyKey: "k" }) });
  expect(answer).toEqual({ kind: "accepted", job: "a1", existing: false, instances: 21 });
  expect(await ended(reader, "a1")).toBe("succeeded");
  expect(agent.ran).toHaveLength(21);
  expect(loop.read((state) => check(state))).toEqual([]);
  const { rows } = await store.database.pool.query(
    "select count(*)::int as n from executions where state = 'succeeded'",
  );
  expect(rows).toEqual([{ n: 21 }]);
  // The key is answered from the store by a scheduler that has forgotten the job, too.
  const again = await loop.submit({ kind: "jobSubmitted", job: job("a2", twoSteps, { idempotencyKey: "k" }) });
  expect(again).toEqual({ kind: "accepted", job: "a1", existing: true, instances: 21 });
});

test("an idempotency key gives its job under the next leader too", async () => {
  const first = await startServer();
  const one = await first.loop();
  await startAgent(first.bus, one);
  await one.submit({ kind: "jobSubmitted", job: job("a1", twoSteps, { idempotencyKey: "k" }) });
  await ended(first.reader, "a1");
  await first.leadership.stop();
  const loop = await (await startServer()).loop();
  const two = ["a2", "a3"].map((id) =>
    loop.submit({ kind: "jobSubmitted", job: job(id, twoSteps, { idempotencyKey: "k" }) }),
  );
  expect(await Promise.all(two)).toEqual(
    [1, 2].map(() => ({ kind: "accepted", job: "a1", existing: true, instances: 21 })),
  );
});

test("a server that stops in order hands over at once, and the next goes on with its jobs", async () => {
  const first = await startServer({ leaseMs: 60_000 });
  const one = await first.loop();
  await one.submit({ kind: "jobSubmitted", job: job("a1", twoSteps) });
  const second = await startServer({ leaseMs: 60_000, address: "127.0.0.1:2" });
  await until(() => {
    const role = second.leadership.role();
    return role.kind === "follower" && role.address === "127.0.0.1:1";
  }, "the second knows where the first is");
  await first.leadership.stop();
  await expect(one.submit({ kind: "clockTicked" })).rejects.toMatchObject({ code: "unavailable" });
  const two = await second.loop();
  await startAgent(second.bus, two);
  expect(await ended(second.reader, "a1")).toBe("succeeded");
});

test("a leader that another has replaced commits nothing, says so, and follows", async () => {
  const first = await startServer();
  const one = await first.loop();
  // As when it was paused for longer than its lease.
  await first.store.database.pool.query(
    "update leader set term = term + 1, holder = 'them', address = '127.0.0.1:2', expires_at = now() + interval '1 minute'",
  );
  const submitted = one.submit({ kind: "jobSubmitted", job: job("a1", twoSteps) });
  await expect(submitted).rejects.toMatchObject({ code: "unavailable" });
  const role = await until(() => {
    const now = first.leadership.role();
    return now.kind === "follower" && now.address !== null && now;
  }, "it follows");
  expect(role).toEqual({ kind: "follower", term: 2, address: "127.0.0.1:2" });
  expect(await first.reader.getProgress("a1" as JobId)).toBeUndefined();
});

test("another leads when the lease of a leader that died is over", async () => {
  const first = await startServer();
  await first.loop();
  // A process that dies does not release: its row stays as it was.
  const { rows } = await first.store.database.pool.query<{ term: string }>("select term from leader");
  await first.leadership.stop();
  await first.store.database.pool.query("update leader set expires_at = now() + interval '600 milliseconds'");
  const second = await startServer();
  const startedMs = performance.now();
  await second.loop();
  expect(performance.now() - startedMs).toBeGreaterThan(300);
  const role = second.leadership.role();
  expect(role.term).toBe(Number(rows[0]!.term) + 1);
});

test("Postgres' connections are all killed while jobs run: every job ends, each instance ran once", async () => {
  const { loop: leading, bus, reader, store } = await startServer();
  const loop = await leading();
  const agent = await startAgent(bus, loop);
  const ids = Array.from({ length: 10 }, (_, index) => `j${index}`);
  for (const [index, id] of ids.entries()) {
    await loop.submit({ kind: "jobSubmitted", job: job(id, twoSteps) });
    if (index % 3 !== 1) continue;
    await store.database.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
  }
  for (const id of ids) expect(await ended(reader, id)).toBe("succeeded");
  expect(new Set(agent.ran).size).toBe(agent.ran.length);
  expect(agent.ran).toHaveLength(210);
  expect(loop.read((state) => check(state))).toEqual([]);
});

test("nats-server is killed while jobs run: every job ends, each instance ran once", async () => {
  const { loop: leading, bus, reader } = await startServer();
  const loop = await leading();
  const agent = await startAgent(bus, loop);
  const ids = Array.from({ length: 6 }, (_, index) => `j${index}`);
  for (const [index, id] of ids.entries()) {
    await loop.submit({ kind: "jobSubmitted", job: job(id, twoSteps) });
    if (index !== 2) continue;
    await server.kill();
    await server.restart();
  }
  for (const id of ids) expect(await ended(reader, id)).toBe("succeeded");
  expect(agent.ran).toHaveLength(6 * 21);
});

test("an event that breaks a law of the core ends the reign with its story, and commits nothing", async () => {
  const { loop: leading, leadership, reader } = await startServer();
  const loop = await leading();
  const bad = job("a1", { ...twoSteps, tasks: null as never });
  const story = expect(leadership.ended).rejects.toThrow();
  await expect(loop.submit({ kind: "jobSubmitted", job: bad })).rejects.toMatchObject({ code: "unavailable" });
  await story;
  expect(await reader.getProgress("a1" as JobId)).toBeUndefined();
});

test("10,000 instances are accepted in one call and one transaction", async () => {
  const { loop: leading, reader } = await startServer();
  const loop = await leading();
  const answer = await loop.submit({
    kind: "jobSubmitted",
    job: job("a1", pipeline(task("t", { map: mapOver(10_000) }))),
  });
  expect(answer).toMatchObject({ kind: "accepted", instances: 10_000 });
  const [listed] = await reader.listJobs({ states: [], pipeline: "", before: null, limit: 1 });
  expect(listed?.counts).toEqual({ ready: 10_000 });
});
