import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, submit, weft, weftJson } from "../support/command.ts";
import { LineageReceiver } from "../support/lineage-receiver.ts";
import { type Bare, startAgent, startBare, startServer, type ServerPart, sweep } from "../support/parts.ts";
import { clientPython, runClient } from "../support/python-client.ts";
import { until } from "../support/wait.ts";
import { runUuid } from "../../services/lineage/index.ts";

const CLIENT = ["openlineage-python==1.54.0"];
/** Fetching the client, on a machine that other tests keep busy; afterwards it is there. */
const INSTALL_LIMIT_MS = 300_000;

let bare: Bare;
let receiver: LineageReceiver;
let server: ServerPart;
const stops: (() => Promise<unknown>)[] = [];

const serverOptions = () => ({
  home: join(bare.folder, "home"),
  databaseUrl: bare.databaseUrl,
  natsUrl: bare.nats.url,
  flags: ["--openlineage-url", receiver.url, "--openlineage-namespace", "lab"],
});

beforeAll(async () => {
  [bare, receiver] = await Promise.all([startBare(), LineageReceiver.start()]);
  process.env["WEFT_OPENLINEAGE_API_KEY"] = "a secret";
  server = await startServer(serverOptions());
  const agentDir = join(bare.folder, "agent");
  stops.push(() => sweep(agentDir));
  const agent = await startAgent(server.grpc, agentDir, ["--cpus", "4"]);
  stops.push(() => agent.stop());
}, 120_000);
afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  await server?.stop();
  await receiver?.stop();
  await bare?.stop();
  delete process.env["WEFT_OPENLINEAGE_API_KEY"];
}, 120_000);

const PIPELINE = `
pipeline: flights
params: { horizon: 7 }
tasks:
  table:
    run: echo rows > table.csv
    outputs: { table: table.csv }
  train:
    inputs: { table: table.table }
    map: { seed: [1, 2] }
    run: cp inputs/table/table.csv model.txt
    outputs: { model: model.txt }
  check: { needs: [train], run: echo "too few rows" >&2; exit 3 }
`;
const SLEEPER = `
pipeline: sleeper
tasks:
  sleep: { run: sleep 600 }
`;

async function submitted(text: string): Promise<string> {
  const folder = join(bare.folder, "pipeline");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "weft.yaml");
  writeFileSync(file, text);
  return submit(server.grpc, file);
}

type Event = Record<string, any>;
const told = (id: string): Event[] => receiver.taken.filter((event) => event["run"].runId === runUuid(id));
const typesOf = (id: string): string[] => told(id).map((event) => event["eventType"] as string);
const ended = (id: string, type: string): Promise<true> =>
  until(() => typesOf(id).includes(type) || undefined, `${type} of ${id} to be told`, 30_000);

test(
  "each attempt is told when it starts and when it ends, with what it read and wrote",
  { timeout: 60_000 },
  async () => {
    const job = await submitted(PIPELINE);
    await ended(job, "FAIL");
    for (const [id, types] of [
      [job, ["START", "FAIL"]],
      [`${job}.table.0.1`, ["START", "COMPLETE"]],
      [`${job}.train.0.1`, ["START", "COMPLETE"]],
      [`${job}.train.1.1`, ["START", "COMPLETE"]],
      [`${job}.check.0.1`, ["START", "FAIL"]],
    ] as const)
      expect([id, typesOf(id)]).toEqual([id, types]);
    const [, made] = told(`${job}.table.0.1`);
    const [, trained] = told(`${job}.train.1.1`);
    expect(made).toMatchObject({ job: { namespace: "lab", name: "flights.table" }, inputs: [] });
    const { digest } = made!["outputs"][0].facets.weft_artifact;
    const table = { namespace: "lab", name: "flights.table.table", facets: { version: { datasetVersion: digest } } };
    expect(made!["outputs"]).toMatchObject([{ ...table, outputFacets: { outputStatistics: { size: 5 } } }]);
    expect(trained).toMatchObject({
      job: { name: "flights.train", facets: { jobType: { jobType: "TASK" } } },
      run: {
        facets: {
          parent: { run: { runId: runUuid(job) }, job: { namespace: "lab", name: "flights" } },
          executionParameters: {
            parameters: [
              { key: "horizon", value: "7" },
              { key: "seed", value: "2" },
            ],
          },
          processing_engine: { name: "weft" },
          weft_attempt: { job, task: "train", index: 1, attempt: 1, state: "succeeded", exitCode: 0 },
        },
      },
      inputs: [table],
      outputs: [{ name: "flights.train.model" }],
    });
    expect(told(`${job}.check.0.1`)[1]).toMatchObject({
      run: { facets: { errorMessage: { message: expect.stringContaining("3") } } },
    });
    expect(receiver.posts.every(({ headers }) => headers.authorization === "Bearer a secret")).toBe(true);
  },
);

test("a start is told while the attempt runs, and one that is cancelled as aborted", { timeout: 60_000 }, async () => {
  const job = await submitted(SLEEPER);
  await ended(`${job}.sleep.0.1`, "START");
  await ended(job, "START");
  expect((await weft(server.grpc, ["cancel", job])).exitCode).toBe(0);
  await ended(`${job}.sleep.0.1`, "ABORT");
  await ended(job, "ABORT");
  expect(typesOf(`${job}.sleep.0.1`)).toEqual(["START", "ABORT"]);
});

test(
  "what ended while the receiver was away is told though the server was killed meanwhile",
  { timeout: 120_000 },
  async () => {
    await receiver.stop();
    const job = await submitted(PIPELINE);
    await until(
      async () => (await weftJson<JobJson>(server.grpc, ["job", job])).state === "failed" || undefined,
      "the job to end",
      60_000,
    );
    const [http, grpc] = [server.http, server.grpc].map((address) => Number(address.split(":")[1]));
    await server.kill();
    expect(told(job)).toEqual([]);
    await receiver.listen();
    server = await startServer({ ...serverOptions(), httpPort: http!, grpcPort: grpc! });
    await ended(job, "FAIL");
    for (const task of ["table.0.1", "train.0.1", "train.1.1", "check.0.1"]) {
      const types = typesOf(`${job}.${task}`);
      expect([task, types[0], types.at(-1)]).toEqual([task, "START", task.startsWith("check") ? "FAIL" : "COMPLETE"]);
    }
  },
);

test(
  "an unmodified client's events are taken, and its classes take ours",
  { timeout: INSTALL_LIMIT_MS },
  async ({ skip }) => {
    const python = await clientPython(CLIENT.join("-").replace("==", "-"), CLIENT);
    if (python === undefined) return skip("there is no python3 with an index that answers");
    const own = join(bare.folder, "own-events.json");
    writeFileSync(own, JSON.stringify(receiver.taken));
    const url = `http://${server.http}`;
    const said = await runClient(python, join(import.meta.dirname, "openlineage_client.py"), [own], {
      OPENLINEAGE_URL: url,
    });
    expect(said).toMatch(/Ran 4 tests/);
    expect(said).toMatch(/\nOK\n/);
  },
);
