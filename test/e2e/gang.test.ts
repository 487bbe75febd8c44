import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type JobJson, submit, weft, weftJson } from "../support/command.ts";
import {
  type Bare,
  killMachine,
  type Part,
  type ServerPart,
  startAgent,
  startBare,
  startServer,
  sweep,
} from "../support/parts.ts";
import { until } from "../support/wait.ts";

const LIMIT_MS = 180_000;

let bare: Bare;
let grpc: string;
const cleanups: (() => unknown)[] = [];
let server: ServerPart;

async function serve(ports: { grpcPort?: number; httpPort?: number } = {}): Promise<void> {
  const { databaseUrl, folder, nats } = bare;
  const flags = ["--lease-ms", "3000", "--heartbeat-ms", "300"];
  server = await startServer({ home: join(folder, "home"), databaseUrl, natsUrl: nats.url, flags, ...ports });
  grpc = server.grpc;
}

/** kill -9, and another one on the same ports, which leads once the lease of the first has run out. */
async function restart(): Promise<void> {
  const port = (address: string): number => Number(address.split(":").at(-1));
  await server.kill();
  await serve({ grpcPort: port(server.grpc), httpPort: port(server.http) });
  const ready = async (): Promise<boolean> => (await weft(grpc, ["nodes"])).exitCode === 0;
  for (let tries = 0; tries < 30 && !(await ready()); tries += 1);
}

beforeEach(async () => {
  bare = await startBare();
  await serve();
  cleanups.push(() => server.stop());
}, LIMIT_MS);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await bare.stop();
}, LIMIT_MS);

async function machine(name: string, ...flags: string[]): Promise<{ agent: Part; dir: string }> {
  const dir = join(bare.folder, name);
  const agent = await startAgent(grpc, dir, ["--name", name, "--cpus", "2", "--address", "127.0.0.1", ...flags]);
  cleanups.push(
    () => sweep(dir),
    () => agent.stop(),
  );
  return { agent, dir };
}

function pipelineFile(text: string): string {
  const folder = join(bare.folder, "pipeline");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "weft.yaml"), text);
  return join(folder, "weft.yaml");
}

/** Members write what they see, one line an attempt, into files of the test's. */
const GANG = (notes: string, then: string): string => `pipeline: gang
tasks:
  train:
    nodes: 2
    run: |
      echo "$WEFT_ATTEMPT $RANK/$WORLD_SIZE $NODE_RANK $MASTER_ADDR:$MASTER_PORT $PET_NNODES" >> ${notes}.$RANK
      ${then}
`;

const lines = (file: string): string[] => {
  try {
    return readFileSync(file, "utf8").split("\n").slice(0, -1);
  } catch {
    return [];
  }
};

test(
  "a gang starts on two machines with one meeting place; when one machine dies the whole gang runs again elsewhere",
  { timeout: LIMIT_MS },
  async () => {
    const machines = new Map<string, { agent: Part; dir: string }>();
    for (const name of ["n1", "n2", "n3"]) machines.set(name, await machine(name));
    const notes = join(bare.folder, "notes");
    const go = join(bare.folder, "go");
    const id = await submit(grpc, pipelineFile(GANG(notes, `while [ ! -e ${go} ]; do sleep 0.1; done`)));
    await until(() => lines(`${notes}.0`).length === 1 && lines(`${notes}.1`).length === 1, "both to run", 60_000);
    const [[first], [second]] = [lines(`${notes}.0`), lines(`${notes}.1`)];
    expect(first).toMatch(/^1 0\/2 0 127\.0\.0\.1:2\d{4} 2$/);
    expect(second!.replace(/^1 1\/2 1 /, "")).toBe(first!.replace(/^1 0\/2 0 /, ""));
    const { tasks } = await weftJson<JobJson>(grpc, ["job", id]);
    const dead = tasks.find(({ index }) => index === 1)!.node!;
    const { agent, dir } = machines.get(dead)!;
    await killMachine(agent, dir);
    await until(
      () => lines(`${notes}.0`).length === 2 && lines(`${notes}.1`).length === 2,
      "both to run again",
      60_000,
    );
    writeFileSync(go, "");
    expect((await weft(grpc, ["job", id, "--watch"])).exitCode).toBe(0);
    const job = await weftJson<JobJson>(grpc, ["job", id]);
    expect(job.tasks.map(({ attempt, state, failures }) => [attempt, state, failures])).toEqual([
      [2, "succeeded", 0],
      [2, "succeeded", 0],
    ]);
    expect(job.tasks.map(({ node }) => node)).not.toContain(dead);
  },
);

test(
  "a member that fails ends the others; work of higher priority stops what may be stopped, which goes on from its checkpoint",
  { timeout: LIMIT_MS },
  async () => {
    await Promise.all([machine("n1"), machine("n2")]);
    const notes = join(bare.folder, "notes");
    const failing = await submit(grpc, pipelineFile(GANG(notes, '[ "$RANK" = 1 ] && exit 3; exec sleep 600')));
    expect((await weft(grpc, ["job", failing, "--watch"])).exitCode).toBe(1);
    const { tasks } = await weftJson<JobJson>(grpc, ["job", failing]);
    expect(tasks.map(({ index, state, exitCode, reason }) => [index, state, exitCode, reason])).toEqual([
      [0, "failed", null, "gang"],
      [1, "failed", 3, "exit"],
    ]);

    const low = await submit(
      grpc,
      pipelineFile(`pipeline: low
tasks:
  work:
    map: { i: [0, 1] }
    resources: { cpus: 2 }
    preemptible: true
    checkpoint: true
    run: |
      step=$(cat "$WEFT_CHECKPOINT/step" 2>/dev/null || echo 0)
      echo "$step" >> ${notes}.low.$WEFT_MAP_I
      [ "$step" = 7 ] && exit 0
      echo 7 > "$WEFT_CHECKPOINT/step"
      exec sleep 600
`),
      "--priority",
      "low",
    );
    const told = () => [0, 1].map((i) => lines(`${notes}.low.${i}`));
    await until(() => told().every((each) => each.length === 1), "the low ones to run", 60_000);
    const high = await submit(
      grpc,
      pipelineFile(`pipeline: high\ntasks: { all: { nodes: 2, resources: { cpus: 2 }, run: "true" } }\n`),
      "--priority",
      "high",
    );
    expect((await weft(grpc, ["job", high, "--watch"])).exitCode).toBe(0);
    expect((await weft(grpc, ["job", low, "--watch"])).exitCode).toBe(0);
    expect(told()).toEqual([
      ["0", "7"],
      ["0", "7"],
    ]);
    const after = await weftJson<JobJson>(grpc, ["job", low]);
    expect(after.tasks.map(({ failures, attempt }) => [failures, attempt])).toEqual([
      [0, 2],
      [0, 2],
    ]);
  },
);

test(
  "what an operator says of nodes and projects holds, is explained, and outlasts the server",
  { timeout: LIMIT_MS },
  async () => {
    await machine("n1", "--label", "zone=a");
    const file = pipelineFile(`pipeline: p\nproject: vision\ntasks: { t: { run: "true" } }\n`);
    await weft(grpc, ["project", "vision", "--cpus", "0"]);
    const waiting = await submit(grpc, file);
    const explained = await weftJson<{ reasons: { kind: string; message: string }[] }>(grpc, ["explain", waiting, "t"]);
    expect(explained.reasons).toMatchObject([{ kind: "quota", message: expect.stringContaining("quota of 0 CPUs") }]);
    expect(await weftJson(grpc, ["projects"])).toMatchObject([{ name: "vision", quota: { cpus: 0 }, waiting: 1 }]);
    expect(await weftJson(grpc, ["demand"])).toMatchObject([{ ready: 1, idle: 1, desired: 1 }]);
    await weft(grpc, ["configure", "n1", "--taint", "team=vision", "--pool", "big"]);
    await weft(grpc, ["project", "vision", "--no-quota"]);
    expect(await weftJson(grpc, ["nodes"])).toMatchObject([{ taints: ["team=vision"], pool: "big" }]);
    const refused = await weft(grpc, ["submit", file]);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("meets the placement");
    await restart();
    expect(await weftJson(grpc, ["nodes"])).toMatchObject([{ taints: ["team=vision"], pool: "big" }]);
    await weft(grpc, ["configure", "n1", "--untaint", "team=vision", "--pool", ""]);
    expect((await weft(grpc, ["job", waiting, "--watch"])).exitCode).toBe(0);
    const wrong = await weft(grpc, ["configure", "n1", "--quarantine", "GPU-none"]);
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining("has no device GPU-none")]);
  },
);
