import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { Peer } from "../../lib/grpc.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { CLUSTER, JOBS, protoPipeline } from "../support/server.ts";
import { until } from "../support/wait.ts";

const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");

interface Ready {
  readonly kind: "ready";
  readonly http: number;
  readonly grpc: number;
  readonly fresh: boolean;
}

class ServerProcess {
  readonly child: ChildProcess;
  readonly ready: Promise<Ready>;
  readonly exited: Promise<number | null>;
  stderr = "";

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    const home = join(inject("folder"), `process-${process.pid}-${randomBytes(4).toString("hex")}`);
    mkdirSync(home);
    const flags = ["--home", home, "--http-port", "0", "--grpc-port", "0", "--leader-lease-ms", "1000", ...args];
    const urls = { DATABASE_URL: database.url, NATS_URL: nats.url };
    this.child = fork(MAIN, ["server", ...flags], {
      env: { ...process.env, ...urls, ...env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    this.exited = once(this.child, "exit").then(([code]) => code as number | null);
    this.ready = Promise.race([
      once(this.child, "message").then(([message]) => message as Ready),
      this.exited.then((code) => Promise.reject(new Error(`ended with ${code}: ${this.stderr}`))),
    ]);
    this.ready.catch(() => undefined);
    started.push(this);
  }

  async peer(): Promise<Peer> {
    const peer = new Peer(`127.0.0.1:${(await this.ready).grpc}`);
    peers.push(peer);
    return peer;
  }
}

let database: TestDatabase;
let nats: TestNats;
const started: ServerProcess[] = [];
const peers: Peer[] = [];

beforeEach(async () => {
  [database, nats] = await Promise.all([createDatabase({ from: "nothing" }), startNats()]);
});
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close();
  for (const { child, exited } of started.splice(0)) {
    child.kill("SIGKILL");
    await exited;
  }
  await nats.stop();
  await database.drop();
});

const hello = protoPipeline("hello", { name: "say", script: "echo hello" });

test(
  "two servers start on an empty database; when the leader is killed with -9 the other takes over with all it knew",
  { timeout: 60_000 },
  async () => {
    const servers = [new ServerProcess([]), new ServerProcess([])];
    const ready = await Promise.all(servers.map((server) => server.ready));
    expect(ready.every(({ fresh }) => fresh)).toBe(true);
    const all = await Promise.all(servers.map(async (server) => ({ server, peer: await server.peer() })));
    const leads = await Promise.all(all.map(({ peer }) => peer.unary(CLUSTER.Info, {}).then(({ leader }) => leader)));
    const leader = all[leads.indexOf(true)]!;
    const follower = all[leads.indexOf(false)]!;
    const { jobId } = await follower.peer.unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "kept" });
    leader.server.child.kill("SIGKILL");
    const again = await until(
      () => follower.peer.unary(JOBS.Submit, { pipeline: hello, idempotencyKey: "kept" }),
      "the other answers",
      20_000,
    );
    expect(again).toMatchObject({ jobId, existing: true });
    expect((await follower.peer.unary(CLUSTER.Info, {})).leader).toBe(true);

    follower.server.child.kill("SIGTERM");
    expect(await follower.server.exited).toBe(0);
    const next = new ServerProcess([]);
    expect((await next.ready).fresh).toBe(false);
    expect((await (await next.peer()).unary(JOBS.Get, { jobId })).state).toBe("pending");
  },
);

test("a server whose parent is gone stops in order", async () => {
  const server = new ServerProcess([]);
  await server.ready;
  server.child.disconnect();
  expect(await server.exited).toBe(0);
});

test("a server that waits for NATS stops when it is asked to", async () => {
  await nats.kill();
  const server = new ServerProcess([]);
  await until(() => server.stderr.includes("waiting for NATS"), "it waits", 20_000);
  server.child.kill("SIGTERM");
  expect(await server.exited).toBe(0);
});

test("options that cannot be right are named, and nothing is left running", { timeout: 60_000 }, async () => {
  const wrong = async (args: string[], env = {}): Promise<string> => {
    const server = new ServerProcess(args, env);
    expect(await server.exited).toBe(2);
    return server.stderr;
  };
  const first = new ServerProcess([]);
  const { grpc, http } = await first.ready;
  const told = await Promise.all([
    wrong(["--grpc-port", "70000"]),
    wrong([], { DATABASE_URL: "" }),
    wrong([], { DATABASE_URL: "mysql://x" }),
    wrong(["--host", "0.0.0.0"]),
    wrong(["--heartbeat-ms", "2000", "--lease-ms", "3000"]),
    wrong(["--grpc-port", String(grpc)]),
    wrong(["--http-port", String(http)]),
  ]);
  expect(told).toEqual([
    expect.stringContaining("--grpc-port: must be a port"),
    expect.stringContaining("DATABASE_URL"),
    expect.stringContaining("postgres://"),
    expect.stringMatching(/accounts.*--insecure-bind/),
    expect.stringContaining("at most 1000"),
    expect.stringMatching(new RegExp(`port ${grpc} is taken.*--grpc-port`)),
    expect.stringMatching(new RegExp(`port ${http}`)),
  ]);
});
