import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import type { Agent } from "../../agent/main.ts";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { startTestAgent } from "../support/agent.ts";
import { PlayedServer } from "../support/played-server.ts";
import { until } from "../support/wait.ts";
import { assignment, keyOf } from "../support/worker.ts";

let server: PlayedServer;
let dir: string;
let agent: Agent;
beforeAll(async () => {
  server = await PlayedServer.start();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  server.orders.stop = [];
  server.orders.query = [];
  dir = mkdtempSync(join(inject("folder"), "agent-"));
  agent = await startTestAgent(server.address, dir);
});
afterEach(async () => {
  await agent.stop({ stopTasks: true });
  rmSync(dir, { recursive: true, force: true });
});

const textOf = async (digest: string): Promise<string> => {
  const parts: Buffer[] = [];
  for await (const part of (await server.store.open(digest as never)) as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
};

test("the node joins with what the machine has, and beats with it first", () => {
  expect(server.joins.at(-1)).toMatchObject({ nodeId: agent.node, name: "n1", agentVersion: "test" });
  expect(server.joins.at(-1)!.capacity).toMatchObject({ cpus: 8, gpus: [], hostname: expect.any(String) as string });
  expect(server.joins.at(-1)!.capacity!.memoryBytes).toBeGreaterThan(2 ** 27);
});

test("an assignment runs, is reported, its log is streamed and stored, and nothing is left of it", async () => {
  const made = assignment("echo out; echo err >&2; echo more");
  const key = keyOf(made);
  await server.assign(agent.node, made);
  const ended = await server.ended(key);
  expect(ended).toMatchObject({ outcome: { kind: "succeeded" }, logBytes: { stdout: 9, stderr: 4 } });
  const archived = await server.reported(key, "archived");
  expect(await server.log(key)).toBe("out\nmore\n");
  expect(await server.log(key, "stderr")).toBe("err\n");
  expect(archived.kind === "archived" && (await textOf(archived.stdout!))).toBe("out\nmore\n");
  await until(() => !existsSync(join(dir, "attempts", key)), "the attempt's folder is gone");
});

test("a short attempt is reported once: its end tells its start too", async () => {
  const kinds: string[] = [];
  // One of them is short also on a machine that is busy.
  for (let i = 0; i < 10 && !kinds.includes("ended"); i++) {
    const made = assignment(["true"]);
    await server.assign(agent.node, made);
    await server.ended(keyOf(made));
    kinds.push(server.reports.flatMap(({ key, kind }) => (key === keyOf(made) ? [kind] : [])).join(", "));
  }
  expect(kinds).toContain("ended");
  expect(kinds.filter((both) => !["ended", "started, ended"].includes(both))).toEqual([]);
});

test("an assignment that comes again, whole or in company, runs once; one that a later attempt replaced never", async () => {
  const counter = join(dir, "counter");
  const made = assignment(`echo x >> ${counter}`, {});
  const older = { ...made, ref: { ...made.ref, attempt: 1 } };
  const newer = { ...made, ref: { ...made.ref, attempt: 2 } };
  await server.assign(agent.node, newer);
  await server.assign(agent.node, newer, newer);
  await server.ended(keyOf(newer));
  await server.assign(agent.node, newer);
  await server.assign(agent.node, older);
  const last = assignment(["true"]);
  await server.assign(agent.node, last);
  await server.ended(keyOf(last));
  expect(readFileSync(counter, "utf8")).toBe("x\n");
  expect(server.reports.some(({ key }) => key === keyOf(older))).toBe(false);
});

test("a message that makes no sense is thrown away and the next is taken", async () => {
  await server.assign(agent.node, { nonsense: true } as never);
  const made = assignment(["true"]);
  await server.assign(agent.node, made);
  await server.ended(keyOf(made));
});

test("a stop order stops, and the beats name the attempt until it has ended", async () => {
  const made = assignment("sleep 1000");
  const key = keyOf(made);
  await server.assign(agent.node, made);
  await server.reported(key, "started");
  await until(
    () => server.beats.at(-1)!.active.some((one) => one.key === key && one.phase === "running"),
    "it is named",
  );
  server.push({ stop: [{ key, graceMs: 1_000, reason: "cancelled" }] });
  expect(await server.ended(key)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  await until(() => server.beats.at(-1)!.active.length === 0, "it is not named any more");
});

test("what was never heard of is said to be unknown, and does not run when it comes after all", async () => {
  const counter = join(dir, "counter");
  const made = assignment(`echo x >> ${counter}`);
  server.orders.query = [keyOf(made)];
  expect(await server.reported(keyOf(made), "unknown")).toEqual({ kind: "unknown", key: keyOf(made) });
  server.orders.query = [];
  await server.assign(agent.node, made);
  const last = assignment(["true"]);
  await server.assign(agent.node, last);
  await server.ended(keyOf(last));
  expect(existsSync(counter)).toBe(false);
});

test("what has ended is reported again when it is asked for", async () => {
  const made = assignment(["true"]);
  const key = keyOf(made);
  await server.assign(agent.node, made);
  const first = await server.ended(key);
  await until(() => readFileSync(join(dir, "journal.jsonl"), "utf8").includes(`"reported"`), "the report was taken");
  server.orders.query = [key];
  const again = () => server.reports.filter((report) => report.key === key && report.kind === "ended");
  await until(() => again().length > 1, "it is reported again");
  server.orders.query = [];
  expect(again()[1]).toEqual(first);
});

// 5 ms at the median where nothing else runs; other tests may use up the machine meanwhile.
test("a lone line reaches the log stream within 100 ms at the median", async () => {
  const seen: number[] = [];
  server.onLog((data) => {
    for (const [, sentMs] of data.matchAll(/^at (\d+)$/gm)) seen.push(Date.now() - Number(sentMs));
  });
  const program =
    "let n = 0; const timer = setInterval(() => { console.log(`at ${Date.now()}`); if (++n === 40) clearInterval(timer); }, 60)";
  const made = assignment([process.execPath, "-e", program]);
  await server.assign(agent.node, made);
  await server.ended(keyOf(made));
  await until(() => seen.length >= 40, "all lines");
  const p50 = seen.toSorted((a, b) => a - b)[20]!;
  console.log(`line to NATS: p50 ${p50} ms, worst ${Math.max(...seen)} ms`);
  expect(p50).toBeLessThanOrEqual(100);
});

test("a log of 20 MB goes out whole, in order, in chunks", async () => {
  const beganMs = performance.now();
  const made = assignment("seq 1 2800000");
  const key = keyOf(made);
  await server.assign(agent.node, made);
  const { logBytes } = await server.ended(key, 30_000);
  const endedMs = performance.now();
  await server.reported(key, "archived", 30_000);
  console.log(`20 MB: ended after ${endedMs - beganMs} ms, out and stored ${performance.now() - endedMs} ms later`);
  const text = await server.log(key);
  expect(text.length).toBe(logBytes.stdout);
  expect(text.endsWith("2799999\n2800000\n")).toBe(true);
}, 60_000);

test("while NATS is away tasks run on, and afterwards no report and no line is missing", async () => {
  const made = assignment("for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.25; done");
  const key = keyOf(made);
  await server.assign(agent.node, made);
  await server.reported(key, "started");
  await server.nats.kill();
  await until(() => existsSync(join(dir, "attempts", key, "exit.json")), "it ended meanwhile");
  const beats = server.beats.length;
  await until(() => server.beats.length > beats + 3, "beats go on");
  await server.nats.restart();
  expect(await server.ended(key, 20_000)).toMatchObject({ outcome: { kind: "succeeded" } });
  await server.reported(key, "archived", 20_000);
  expect(await server.log(key)).toBe("line 1\nline 2\nline 3\nline 4\nline 5\nline 6\nline 7\nline 8\n");
  expect(server.reports.filter((report) => report.key === key).map(({ kind }) => kind)).toEqual([
    "started",
    "ended",
    "archived",
  ]);
}, 60_000);

test("a second agent in the same folder is refused", async () => {
  await expect(startTestAgent(server.address, dir)).rejects.toMatchObject({ code: "conflict" });
});

test("a server that is restarted is found again, and nothing is stopped for it", async () => {
  const made = assignment("sleep 1.5; echo done");
  const key: AttemptKey = keyOf(made);
  await server.assign(agent.node, made);
  await server.reported(key, "started");
  await server.stopServing();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await server.serve();
  const beats = server.beats.length;
  await until(() => server.beats.length > beats, "it beats again");
  expect(server.beats[beats]!.capacity).not.toBeNull();
  expect(await server.ended(key)).toMatchObject({ outcome: { kind: "succeeded" } });
});

test("a server that does not know the node any more has it join again", async () => {
  const before = server.beats.length;
  await until(() => server.beats.length > before, "it beats");
  const joins = server.joins.length;
  server.push({ rejoin: true });
  await until(() => server.joins.length > joins, "it joins again");
  const beats = server.beats.length;
  await until(() => server.beats.length > beats, "and beats");
});

test("while NATS is away the node does not call unknown what may be on its way", async () => {
  const made = assignment(["true"]);
  await server.assign(agent.node, assignment(["true"]));
  await server.nats.kill();
  server.orders.query = [keyOf(made)];
  const before = server.beats.length;
  await until(() => server.beats.length > before + 5, "it was asked a few times");
  server.orders.query = [];
  await server.nats.restart();
  await until(async () => {
    await server.assign(agent.node, made);
    return true;
  }, "it is assigned");
  expect(await server.ended(keyOf(made), 20_000)).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(server.reports.some(({ key, kind }) => key === keyOf(made) && kind === "unknown")).toBe(false);
}, 60_000);
