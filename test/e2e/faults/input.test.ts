import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../../cli/local/port.ts";
import { type Outcome, weft, weftJson } from "../../support/command.ts";
import { type Cluster, startCluster } from "../../support/parts.ts";

const START_LIMIT_MS = 60_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, START_LIMIT_MS);
afterAll(() => cluster?.stop(), START_LIMIT_MS);

let files = 0;
function pipeline(text: string | Buffer): string {
  const folder = join(cluster.bare.folder, `pipeline-${(files += 1)}`);
  mkdirSync(folder);
  const file = join(folder, "weft.yaml");
  writeFileSync(file, text);
  return file;
}

async function refused(text: string | Buffer): Promise<string> {
  const { exitCode, stdout, stderr } = await weft(cluster.server.grpc, ["submit", pipeline(text)]);
  expect(exitCode, stderr).toBe(2);
  expect(stdout.toString()).toBe("");
  // What is meant for users has no stack in it.
  expect(stderr).not.toMatch(/\n\s+at /);
  return stderr;
}

async function jobCount(): Promise<number> {
  return (
    await weftJson<{ jobs: unknown[] } | unknown[]>(cluster.server.grpc, ["jobs"]).then((answer) =>
      Array.isArray(answer) ? answer : answer.jobs,
    )
  ).length;
}

describe("a pipeline that is wrong is refused with exit code 2, and says where", () => {
  test("YAML that does not parse", async () => {
    const said = await refused("pipeline: x\ntasks:\n  a: { run: 'echo\n");
    expect(said).toMatch(/weft\.yaml:\d+:\d+/);
  });

  test("a field that is not known, with the nearest that is", async () => {
    const said = await refused("pipeline: x\ntasks:\n  a:\n    run: echo\n    retrys: { limit: 1 }\n");
    expect(said).toMatch(/weft\.yaml:5:5/);
    expect(said).toContain("retries");
  });

  test("a cycle, with its path", async () => {
    const said = await refused(
      "pipeline: x\ntasks:\n  a: { run: 'true', needs: [c] }\n  b: { run: 'true', needs: [a] }\n  c: { run: 'true', needs: [b] }\n",
    );
    expect(said).toMatch(/a (?:→|->) b (?:→|->) c (?:→|->) a/);
  });

  test.each([
    ["cpus: -1", "-1"],
    ["memory: -1GiB", "-1GiB"],
    ["gpus: -2", "-2"],
  ])("resources below zero: %s", async (resources, value) => {
    const said = await refused(`pipeline: x\ntasks:\n  a: { run: 'true', resources: { ${resources} } }\n`);
    expect(said).toMatch(/weft\.yaml:3:\d+/);
    expect(said).toContain(value);
  });

  test("a file of 10 MB, with its size and the limit", async () => {
    const said = await refused(Buffer.alloc(10 * 1024 * 1024, "#"));
    expect(said).toMatch(/10MiB.*at most/);
  });

  test("bytes that are no text", async () => {
    expect(await refused(Buffer.from([0x70, 0xff, 0xfe, 0x00]))).toContain("UTF-8");
  });

  test("a file that is not there", async () => {
    const { exitCode, stderr } = await weft(cluster.server.grpc, ["submit", join(cluster.bare.folder, "nowhere.yaml")]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("nowhere.yaml") });
  });

  test("what no node could ever give, at the field that asks for it", async () => {
    const said = await refused("pipeline: x\ntasks:\n  a: { run: 'true', resources: { cpus: 4000 } }\n");
    expect(said).toMatch(/weft\.yaml:3:\d+/);
    expect(said).toContain("4000");
  });
});

describe("a server that cannot be had is exit code 3, soon, with the address and where it comes from", () => {
  const listeners: Server[] = [];
  afterAll(() => {
    for (const each of listeners) each.close();
  });
  async function listening(listener: Server): Promise<string> {
    listeners.push(listener.listen(0, "127.0.0.1"));
    await once(listener, "listening");
    return `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }
  async function unreachable(address: string, args: readonly string[] = ["jobs"]): Promise<string> {
    const began = performance.now();
    const { exitCode, stderr } = await weft(address, args);
    expect(exitCode, stderr).toBe(3);
    expect(performance.now() - began).toBeLessThan(15_000);
    expect(stderr).toContain(address);
    expect(stderr).toContain("WEFT_SERVER");
    expect(stderr).not.toMatch(/\n\s+at /);
    return stderr;
  }

  test("nobody listens", async () => {
    await unreachable(`127.0.0.1:${await freePort()}`);
  });

  test("an HTTP server listens", async () => {
    await unreachable(await listening(createHttpServer((_, answer) => void answer.end("hello"))));
  });

  test("Weft's own HTTP port", async () => {
    await unreachable(cluster.server.http);
  });

  test("somebody takes connections and says nothing", async () => {
    const sockets: { destroy(): void }[] = [];
    const address = await listening(createServer((socket) => void sockets.push(socket)));
    await unreachable(address, ["submit", pipeline("pipeline: x\ntasks:\n  a: { run: 'true' }\n")]);
    for (const socket of sockets) socket.destroy();
  });

  test("an address that is none is wrong input", async () => {
    const { exitCode, stderr } = await weft("nonsense", ["jobs"]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("HOST:PORT") });
  });
});

describe("one idempotency key is one job", () => {
  const once_ = "pipeline: keyed\ntasks:\n  a: { run: echo once }\n";
  const idOf = ({ exitCode, stdout, stderr }: Outcome): { id: string; existing: boolean } => {
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout.toString()) as { id: string; existing: boolean };
  };

  test("one after the other, also when the first has ended", async () => {
    const file = pipeline(once_);
    const submit = (): Promise<Outcome> =>
      weft(cluster.server.grpc, ["submit", file, "--idempotency-key", "nightly", "--follow", "--json"]);
    const [first, second] = [idOf(await submit()), idOf(await submit())];
    expect(second.id).toBe(first.id);
    const third = idOf(await weft(cluster.server.grpc, ["submit", file, "--idempotency-key", "nightly", "--json"]));
    expect(third).toMatchObject({ id: first.id, existing: true });
  });

  test("five at once", async () => {
    const before = await jobCount();
    const file = pipeline(once_);
    const all = await Promise.all(
      Array.from({ length: 5 }, () =>
        weft(cluster.server.grpc, ["submit", file, "--idempotency-key", "at once", "--json"]),
      ),
    );
    const answers = all.map(idOf);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(answers.filter(({ existing }) => !existing)).toHaveLength(1);
    expect(await jobCount()).toBe(before + 1);
  });
});
