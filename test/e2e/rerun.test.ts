import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../lib/cas.ts";
import { digestBytes } from "../../lib/digest.ts";
import { type Outcome, weft, weftJson } from "../support/command.ts";
import { type Bare, type ServerPart, startAgent, startBare, startServer, sweep } from "../support/parts.ts";

const LIMIT_MS = 180_000;

let bare: Bare;
let server: ServerPart;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  bare = await startBare();
  const { databaseUrl, folder, nats } = bare;
  server = await startServer({ home: join(folder, "home"), databaseUrl, natsUrl: nats.url });
  stops.push(() => server.stop());
  for (const name of ["a", "b"]) {
    const dir = join(folder, name);
    stops.push(() => sweep(dir));
    const flags = ["--name", name, "--cpus", name === "a" ? "4" : "1", "--label", `wanted=${name}`];
    const agent = await startAgent(server.grpc, dir, flags);
    stops.push(() => agent.stop());
  }
}, LIMIT_MS);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await bare?.stop();
}, LIMIT_MS);

/** Metrics by MLflow's REST API, as its clients log them. */
const LOG = `
const [, , key, value] = process.argv;
const answer = await fetch(process.env.MLFLOW_TRACKING_URI + "/api/2.0/mlflow/runs/log-metric", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ run_id: process.env.MLFLOW_RUN_ID, key, value: Number(value), timestamp: Date.now(), step: 0 }),
});
if (!answer.ok) throw new Error(await answer.text());
`;

const SAME = `
pipeline: same
params: { seed: 3 }
tasks:
  fit:
    run: |
      node log.mjs loss 0.25
      echo "weights of {{ params.seed }}" > model; echo '{"auc": 0.5}' > $WEFT_RESULT
    outputs: { model: model }
    cache: true
    placement: { labels: { wanted: [a, b] } }
  test:
    inputs: { model: fit.model }
    run: cat inputs/model/model
`;
/** Each run comes out a little different. */
const NOISY = `
pipeline: noisy
tasks:
  fit:
    run: |
      date +%s%N > model
      node log.mjs loss "1.0$(date +%N)"
    outputs: { model: model }
    metricTolerance: { loss: 0.2, "*": 0 }
`;

let folders = 0;
async function run(text: string): Promise<Ran & { readonly log: string }> {
  const folder = join(bare.folder, `pipeline-${(folders += 1)}`);
  mkdirSync(folder);
  const log = `${LOG}// ${folders}\n`;
  writeFileSync(join(folder, "weft.yaml"), text);
  writeFileSync(join(folder, "log.mjs"), log);
  const done = await weftJson<Ran>(server.grpc, ["submit", join(folder, "weft.yaml"), "--follow"]);
  return { ...done, log };
}

async function rerun(id: string, ...flags: string[]): Promise<Outcome & { readonly json: any }> {
  const done = await weft(server.grpc, ["rerun", id, "--json", ...flags]);
  const text = done.stdout.toString();
  return { ...done, json: text.startsWith("{") ? JSON.parse(text) : undefined };
}

interface Ran {
  readonly id: string;
  readonly trigger: string;
  readonly tasks: readonly { readonly node: string; readonly reason: string | null }[];
}

test(
  "a job comes out equal on the other machine, runs all of it there, and differs where it did not",
  { timeout: LIMIT_MS },
  async () => {
    const before = await run(SAME);
    const { id } = before;
    const ranOn = new Set(before.tasks.map(({ node }) => node));
    const onB = await rerun(id, "--on", "b", "--follow");
    expect(onB.json).toMatchObject({ equal: true, exact: true, differences: [], metricsNotCompared: null });
    // The cache would have given the earlier result, which is equal to itself.
    expect(onB.json.tasks.map(({ node, reason }: Ran["tasks"][number]) => [node, reason])).toEqual([
      ["b", null],
      ["b", null],
    ]);
    expect(onB.json.trigger).toBe(`rerun of ${id} on b`);
    const again = await rerun(onB.json.id, "--on", "other", "--exit-code");
    expect(again).toMatchObject({ exitCode: 0, json: { equal: true } });
    const elsewhere = await weftJson<Ran>(server.grpc, ["job", again.json.id]);
    expect(elsewhere.tasks.map(({ node }) => node)).toEqual(["a", "a"]);
    const found = await weftJson<{ equal: boolean; sections: { name: string; changes: unknown[] }[] }>(server.grpc, [
      "diff",
      onB.json.id,
      again.json.id,
    ]);
    expect(found.equal).toBe(true);
    expect(found.sections.find(({ name }) => name === "execution")!.changes).toContainEqual(
      expect.objectContaining({ of: "fit", kind: "node", a: "b", b: "a" }),
    );
    if (ranOn.size === 2)
      expect((await rerun(id, "--on", "other")).stderr).toContain("no other node takes work; start an agent on one");
  },
);

test(
  "what comes out otherwise is told with both values, and is equal within a tolerance",
  { timeout: LIMIT_MS },
  async () => {
    const { id } = await run(NOISY);
    const strict = await rerun(id, "--exit-code", "--tolerance", "0");
    expect([strict.exitCode, strict.json.equal]).toEqual([4, false]);
    expect(strict.json.differences).toEqual([
      expect.objectContaining({ task: "fit", index: 0, kind: "output", name: "model", tolerated: false }),
      expect.objectContaining({
        task: "fit",
        kind: "metric",
        name: "loss",
        before: expect.any(Number),
        tolerated: false,
      }),
    ]);
    const near = await rerun(id, "--exit-code");
    expect([near.exitCode, near.json.equal, near.json.exact]).toEqual([0, true, false]);
    const compared = await weftJson<{ runs: unknown[] }>(server.grpc, [
      "compare",
      "--experiment",
      "noisy",
      "--sort",
      "loss",
    ]);
    expect(compared.runs).toHaveLength(3);
    const shown = await weft(server.grpc, ["diff", id, strict.json.id, "--exit-code"]);
    expect([shown.exitCode, shown.stdout.toString()]).toEqual([4, expect.stringContaining("~  metric  loss  1.")]);
  },
);

test("a job that cannot be run again is refused with what is in the way", { timeout: LIMIT_MS }, async () => {
  const { id, log } = await run(`pipeline: wide\ntasks: { t: { run: "true", resources: { cpus: 2 } } }`);
  const refused = async (on: string, said: string) => {
    const { exitCode, stderr } = await rerun(id, "--on", on);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(said)]);
  };
  await refused("c", 'there is no node "c"');
  await refused("b", "asks for 2 CPUs; the node with the most (b) has 1");
  expect((await weft(server.grpc, ["cordon", "b"])).exitCode).toBe(0);
  await refused("b", "node b is cordoned and takes no new work; weft uncordon b");
  await weft(server.grpc, ["uncordon", "b"]);

  const store = await openStore(join(bare.folder, "home", "artifacts"));
  await store.remove(digestBytes(log));
  const { code } = await weftJson<{ code: { digest: string } }>(server.grpc, ["job", id]);
  const gone = `file log.mjs of the code, ${code.digest}, is no longer in the store`;
  const broken = await rerun(id);
  expect(broken).toMatchObject({ exitCode: 5, json: { job: id, reproducible: false, missing: [gone] } });
  const said = await weft(server.grpc, ["rerun", id]);
  expect([said.exitCode, said.stderr]).toEqual([5, expect.stringContaining(gone)]);
  expect((await weft(server.grpc, ["audit", id])).exitCode).toBe(1);
  expect((await weft(server.grpc, ["rerun", id, "--anyway"])).exitCode).toBe(0);
});
