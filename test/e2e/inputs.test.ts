import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestBytes } from "../../lib/digest.ts";
import { weft, weftJson } from "../support/command.ts";
import { type Cluster, startCluster } from "../support/parts.ts";

let cluster: Cluster;
let grpc: string;

beforeAll(async () => {
  cluster = await startCluster();
  grpc = cluster.server.grpc;
}, 120_000);
afterAll(() => cluster?.stop(), 120_000);

/** Each in a folder of its own, which is what is submitted. */
function write(name: string, text: string): string {
  const path = join(mkdtempSync(join(cluster.bare.folder, "p-")), name);
  writeFileSync(path, text);
  return path;
}

interface Ran {
  readonly job: string;
  readonly state: string;
  readonly message: string;
  readonly outputs: readonly { readonly digest: string }[];
}

/** Runs the pipeline to its end, and gives its only task. */
async function run(file: string, ...flags: string[]): Promise<Ran> {
  const { stdout } = await weft(grpc, ["submit", file, "--follow", "--json", ...flags]);
  const { id, tasks } = JSON.parse(stdout.toString("utf8")) as { id: string; tasks: Omit<Ran, "job">[] };
  return { ...tasks[0]!, job: id };
}

interface Graph {
  readonly nodes: readonly { readonly id: string }[];
  readonly edges: readonly object[];
}

test(
  "a job reads the versions that its data sets had when it was submitted, a rerun reads the same, and lineage leads from them to it",
  { timeout: 120_000 },
  async () => {
    const add = (text: string, ...flags: string[]): Promise<unknown> =>
      weftJson(grpc, ["data", "add", "flights", write("flights.csv", text), ...flags]);
    await add("one\n", "--tag", "prod");
    await add("two\n");
    const file = write(
      "read.yaml",
      `pipeline: read
params: { old: "1" }
tasks:
  read:
    inputs: { prod: dataset:flights@prod, newest: dataset:flights, old: "dataset:flights@{{ params.old }}" }
    run: cat {{ inputs.prod }} "$WEFT_INPUT_NEWEST" inputs/old/flights.csv > all
    outputs: { all: all }
`,
    );
    const { job, outputs } = await run(file, "--param", "old=2");
    expect(outputs).toMatchObject([{ digest: digestBytes("one\ntwo\ntwo\n") }]);

    await weftJson(grpc, ["data", "tag", "flights@2", "prod"]);
    await add("three\n");
    expect(await weftJson(grpc, ["rerun", job])).toMatchObject({ equal: true, differences: [] });

    const trace = await weftJson<Graph>(grpc, ["trace", job]);
    expect(trace.nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(["dataset:flights@1", "dataset:flights@2"]));
    const edge = { source: "dataset:flights@1", target: `${job}.read.0.1`, kind: "input", name: "prod" };
    expect(trace.edges).toContainEqual(edge);
    const impact = await weftJson<Graph>(grpc, ["impact", "flights@2"]);
    expect(impact.nodes.map(({ id }) => id)).toContain(`${job}.read.0.1`);
  },
);

test(
  "what a task has read from a URI a rerun does not read again, and lineage leads from its version",
  { timeout: 120_000 },
  async () => {
    let body = "one\n";
    const server = createServer((_, response) => response.writeHead(200, { etag: `"${body.trim()}"` }).end(body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/day-1.csv`;
      const pipeline = (input: string): string => `pipeline: fetch
params: { day: 1 }
tasks: { a: { inputs: { x: ${input} }, run: 'cat {{ inputs.x }} > all', outputs: { all: all } } }
`;
      const { job, outputs } = await run(
        write("fetch.yaml", pipeline(`"${uri.replace("1.csv", "{{ params.day }}.csv")}"`)),
      );
      expect(outputs).toMatchObject([{ digest: digestBytes("one\n") }]);
      const unkept = await run(write("unkept.yaml", pipeline(`{ uri: "${uri}", keep: false }`)));
      body = "two\n";
      expect(await weftJson(grpc, ["rerun", job])).toMatchObject({ equal: true });
      const { exitCode, stdout } = await weft(grpc, ["rerun", unkept.job, "--json"]);
      expect(exitCode).toBe(1);
      const { id } = JSON.parse(stdout.toString("utf8")) as { id: string };
      const [task] = (await weftJson<{ tasks: { message: string }[] }>(grpc, ["job", id])).tasks;
      expect(task!.message).toContain(
        `has the digest ${digestBytes("two\n")} now, and must have ${digestBytes("one\n")}`,
      );

      const impact = await weftJson<Graph>(grpc, ["impact", uri]);
      expect(impact.nodes.map((node) => node.id)).toEqual(expect.arrayContaining([`${uri}#one`, `${job}.a.0.1`]));
      const trace = await weftJson<Graph>(grpc, ["trace", job]);
      expect(trace.edges).toContainEqual({ source: `${uri}#one`, target: `${job}.a.0.1`, kind: "input", name: "x" });
    } finally {
      server.close();
    }
  },
);

test(
  "a data set, version or tag that is not there is refused at submit, with the nearest",
  { timeout: 60_000 },
  async () => {
    await weftJson(grpc, ["data", "add", "iris", write("iris.csv", "one\n"), "--tag", "prod"]);
    const file = write(
      "wrong.yaml",
      `pipeline: wrong
tasks: { a: { inputs: { x: dataset:irsi, y: dataset:iris@prd, z: dataset:iris@9 }, run: "true" } }
`,
    );
    const { exitCode, stderr } = await weft(grpc, ["submit", file]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('input "x": there is no data set "irsi" (did you mean "iris"?)');
    expect(stderr).toContain('input "y": data set "iris" has no version or tag "prd"');
    expect(stderr).toContain(
      'input "z": data set "iris" has no version or tag "9"; it has version 1 and the tags prod',
    );
  },
);
