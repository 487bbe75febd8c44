import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type JobJson, submit, weft, weftJson } from "../../support/command.ts";
import { Ledger } from "../../support/ledger.ts";
import { type Bare, killMachine, type Part, startAgent, startBare, startServer, sweep } from "../../support/parts.ts";
import { until } from "../../support/wait.ts";

const LIMIT_MS = 120_000;

let bare: Bare;
let grpc: string;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  bare = await startBare();
}, LIMIT_MS);

async function serve(...flags: readonly string[]): Promise<void> {
  const { databaseUrl, folder, nats } = bare;
  const server = await startServer({ home: join(folder, "home"), databaseUrl, natsUrl: nats.url, flags });
  cleanups.push(() => server.stop());
  grpc = server.grpc;
}
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await bare.stop();
}, LIMIT_MS);

/** A machine of its own, as far as the cluster can tell: another folder, another cache, and nothing but the server's ports. */
async function machine(name: string, cpus = "2"): Promise<{ agent: Part; dir: string }> {
  const dir = join(bare.folder, name);
  const agent = await startAgent(grpc, dir, ["--name", name, "--cpus", cpus]);
  cleanups.push(
    () => sweep(dir),
    () => agent.stop(),
  );
  return { agent, dir };
}

async function succeeded(id: string): Promise<void> {
  const end = await weft(grpc, ["job", id, "--watch"]);
  expect(end.exitCode, end.stdout.toString()).toBe(0);
}

const nodesOf = (job: JobJson, task: string): Set<string | null> =>
  new Set(job.tasks.filter(({ name }) => name === task).map(({ node }) => node));

test(
  "tasks spread over two machines, and code, inputs and outputs travel between them",
  { timeout: LIMIT_MS },
  async () => {
    await serve();
    await Promise.all([machine("n1"), machine("n2")]);
    const folder = join(bare.folder, "pipeline");
    mkdirSync(folder);
    writeFileSync(join(folder, "word.txt"), "travelled");
    writeFileSync(
      join(folder, "weft.yaml"),
      `pipeline: spread
tasks:
  make:
    map: { n: [0, 1, 2, 3] }
    run: sleep 0.5; echo "$(cat word.txt) {{ map.n }}" > out.txt
    outputs: { out: out.txt }
  more:
    map: { n: [0, 1, 2, 3] }
    inputs: { made: make.out }
    run: |
      sleep 0.5
      cat "$WEFT_INPUT_MADE"/*/out.txt > all.txt
    outputs: { all: all.txt }
  last:
    inputs: { all: more.all }
    run: cat "$WEFT_INPUT_ALL"/*/all.txt > result.txt
    outputs: { result: result.txt }
`,
    );
    const id = await submit(grpc, join(folder, "weft.yaml"));
    await succeeded(id);
    const job = await weftJson<JobJson>(grpc, ["job", id]);
    expect(nodesOf(job, "make")).toEqual(new Set(["n1", "n2"]));
    expect(nodesOf(job, "more")).toEqual(new Set(["n1", "n2"]));
    const made = [0, 1, 2, 3].map((n) => `travelled ${n}\n`).join("");
    const got = await weft(grpc, ["get", id, "last", "result", "-o", "-"]);
    expect(got.stdout.toString()).toBe(made.repeat(4));
  },
);

test(
  "a machine that dies for good is given up after its lease, and its tasks run on the other",
  { timeout: LIMIT_MS },
  async () => {
    await serve("--lease-ms", "3000", "--heartbeat-ms", "300");
    const [, dying] = await Promise.all([machine("n1"), machine("n2")]);
    const ledger = Ledger.make(join(bare.folder, "job"), [
      { name: "long", instances: 8, lines: 80, needs: [] },
      { name: "last", instances: 2, lines: 5, needs: ["long"] },
    ]);
    const id = await submit(grpc, ledger.file);
    const doomed = await until(
      async () => {
        const { tasks } = await weftJson<JobJson>(grpc, ["job", id]);
        const running = tasks.filter(({ state }) => state === "running");
        return running.length === 8 && running.filter(({ node }) => node === "n2").map(({ index }) => index);
      },
      "all to run",
      30_000,
    );
    expect(doomed.length).toBe(4);
    await killMachine(dying.agent, dying.dir);
    await succeeded(id);
    const job = await ledger.check(grpc, id);
    const long = job.tasks.filter(({ name }) => name === "long");
    expect(long.filter(({ attempt }) => attempt === 2).map(({ index }) => index)).toEqual(doomed);
    expect(nodesOf(job, "long")).toEqual(new Set(["n1"]));
    const nodes = await weftJson<{ name: string; state: string }[]>(grpc, ["nodes"]);
    expect(nodes.find(({ name }) => name === "n2")?.state).toBe("lost");
  },
);

test(
  "a machine that dies takes no more with it than came since the last checkpoint: the next attempt goes on from that",
  { timeout: LIMIT_MS },
  async () => {
    await serve("--lease-ms", "3000", "--heartbeat-ms", "300");
    const [first, second] = await Promise.all([machine("n1"), machine("n2")]);
    const folder = join(bare.folder, "training");
    mkdirSync(folder);
    const go = join(bare.folder, "go");
    writeFileSync(
      join(folder, "weft.yaml"),
      `pipeline: training
tasks:
  train:
    checkpoint: { every: 1s }
    run: |
      cd "$WEFT_CHECKPOINT"
      step=$(cat step || echo 0)
      echo "attempt $WEFT_ATTEMPT begins at $step"
      while test $step -lt 5 || ! test -e ${go}; do
        step=$((step + 1)); echo $step > step.tmp; mv step.tmp step; sleep 0.1
      done
      echo $step > "$WEFT_RESULT"
`,
    );
    const id = await submit(grpc, join(folder, "weft.yaml"));
    const kept = await until(
      async () => {
        const { reasons } = await weftJson<{ reasons: { kind: string; message: string }[] }>(grpc, [
          "explain",
          id,
          "train",
        ]);
        return reasons.find(({ kind }) => kind === "checkpoint");
      },
      "a checkpoint to be kept while it runs",
      30_000,
    );
    expect(kept.message).toMatch(/^its last checkpoint is kept, \d+B?, \d+m?s old/);
    const { node } = (await weftJson<JobJson>(grpc, ["job", id])).tasks[0]!;
    const dying = node === "n1" ? first : second;
    await killMachine(dying.agent, dying.dir);
    writeFileSync(go, "");
    await succeeded(id);
    const job = await weftJson<JobJson>(grpc, ["job", id]);
    expect(job.tasks).toMatchObject([{ attempt: 2, node: node === "n1" ? "n2" : "n1" }]);
    const { history } = await weftJson<{ history: { kind: string; state: string; message: string }[] }>(grpc, [
      "explain",
      id,
      "train",
    ]);
    expect(history.map(({ kind, state }) => [kind, state])).toEqual([
      ["unknown", "pending"],
      ["attempt", "lost"],
      ["attempt", "succeeded"],
    ]);
    expect(history[1]!.message).toMatch(/^attempt 1 on node n\d lost \(node-lost: node n\d has not been heard/);
    const { stdout } = await weft(grpc, ["logs", id, "train"]);
    expect(Number(/attempt 2 begins at (\d+)/.exec(stdout.toString())![1])).toBeGreaterThan(0);
  },
);

test(
  "an agent whose folder was copied from another is refused, and what the other runs goes on",
  { timeout: LIMIT_MS },
  async () => {
    await serve("--heartbeat-ms", "300");
    const { dir } = await machine("n1");
    const folder = join(bare.folder, "long");
    mkdirSync(folder);
    const go = join(bare.folder, "go");
    writeFileSync(
      join(folder, "weft.yaml"),
      `pipeline: long\ntasks:\n  wait: { run: "while ! test -e ${go}; do sleep 0.1; done" }\n`,
    );
    const id = await submit(grpc, join(folder, "weft.yaml"));
    const copy = join(bare.folder, "copy");
    mkdirSync(copy);
    copyFileSync(join(dir, "node.json"), join(copy, "node.json"));
    const { exitCode, stderr } = await weft(grpc, ["agent", "--server", grpc, "--dir", copy, "--name", "n2"]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/in use by another agent that is alive; .* delete its node\.json/);
    const nodes = await weftJson<{ name: string; state: string }[]>(grpc, ["nodes"]);
    expect(nodes.map(({ name, state }) => [name, state])).toEqual([["n1", "ready"]]);
    writeFileSync(go, "");
    await succeeded(id);
    expect((await weftJson<JobJson>(grpc, ["job", id])).tasks).toMatchObject([{ attempt: 1 }]);
  },
);

test(
  "an agent that is stopped in order leaves its tasks running, and the next one takes them up",
  { timeout: LIMIT_MS },
  async () => {
    await serve();
    const { agent, dir } = await machine("n1", "4");
    const ledger = Ledger.make(join(bare.folder, "job"), [
      { name: "long", instances: 6, lines: 60, needs: [] },
      { name: "last", instances: 4, lines: 5, needs: ["long"] },
    ]);
    const id = await submit(grpc, ledger.file);
    await until(
      async () =>
        (await weftJson<JobJson>(grpc, ["job", id])).tasks.filter(({ state }) => state === "running").length === 6,
      "all to run",
      30_000,
    );
    await agent.stop();
    expect(ledger.completed()).toEqual([]);
    await startAgent(grpc, dir, ["--name", "n1", "--cpus", "4"]).then((next) => cleanups.push(() => next.stop()));
    await succeeded(id);
    await ledger.check(grpc, id);
    await Ledger.nothingBegunTwice(grpc, id);
  },
);
