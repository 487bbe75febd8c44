import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pty from "@lydell/node-pty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startUp, type UpCluster, weft } from "../support/up.ts";

const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let cluster: UpCluster;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "weft-cli-"));
  cluster = await startUp(["--cpus", "4"]);
}, 120_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(root, { recursive: true, force: true });
}, 60_000);

/** A pipeline in a folder of its own. */
function folderOf(yaml: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = join(root, randomBytes(4).toString("hex"));
  mkdirSync(folder);
  for (const [name, text] of Object.entries({ "weft.yaml": yaml, ...files })) writeFileSync(join(folder, name), text);
  return folder;
}

async function submitted(yaml: string, ...flags: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await weft(cluster, ["submit", folderOf(yaml), "--json", ...flags]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return (JSON.parse(stdout) as { id: string }).id;
}

/** Submitted and run to its end; the job as `--json` shows it. */
async function ran(
  yaml: string,
  ...flags: string[]
): Promise<{ id: string; state: string; tasks: Record<string, unknown>[] }> {
  const { stdout, stderr } = await weft(cluster, ["submit", folderOf(yaml), "--follow", "--json", ...flags]);
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Awaited<ReturnType<typeof ran>>;
}

const FAN = `
pipeline: fan
tasks:
  make: { run: "mkdir -p out; echo data > out/a.txt; cp run.sh out; cp out/a.txt one.txt", outputs: { dir: out/, one: one.txt } }
  each:
    inputs: { one: make.one }
    map: { i: [1, 2] }
    run: cat {{ inputs.one }} > r.txt; echo {{ map.i }} >> r.txt; echo instance {{ map.i }}
    outputs: { r: r.txt }
`;

describe("weft submit", () => {
  test("answers with the id alone as JSON, and exits 0 as soon as the job is accepted", async () => {
    const { stdout, exitCode } = await weft(cluster, [
      "submit",
      folderOf(`pipeline: p\ntasks: { a: { run: "sleep 30" } }`),
      "--json",
    ]);
    expect(exitCode).toBe(0);
    const answer = JSON.parse(stdout) as { id: string };
    expect(answer).toEqual({ id: expect.stringMatching(/^[0-9a-z]{12}$/), existing: false, taskInstances: 1 });
    expect((await weft(cluster, ["cancel", answer.id])).exitCode).toBe(0);
    expect((await weft(cluster, ["job", answer.id, "--watch"])).exitCode).toBe(1);
  });

  test("with --follow tells each change on its own line, and exits 0 when the job succeeded", async () => {
    const { stdout, stderr, exitCode } = await weft(cluster, ["submit", folderOf(FAN, { "run.sh": "" }), "--follow"]);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^job [0-9a-z]{12}$/);
    expect(lines.filter((line) => /^\d\d:\d\d:\d\d each\[[01]\] succeeded/.test(line))).toHaveLength(2);
    expect(lines.at(-1)).toMatch(/^job [0-9a-z]{12} succeeded in .* \(3 succeeded\)$/);
    expect(exitCode).toBe(0);
  });

  test("with --follow exits 1 when the job failed, with the end of its stderr and how to see more", async () => {
    const yaml = `pipeline: p\ntasks: { bad: { run: "seq 30 >&2; exit 7" }, after: { needs: [bad], run: "true" } }`;
    const { stdout, exitCode } = await weft(cluster, ["submit", folderOf(yaml), "--follow"]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/bad failed in attempt 1 on .*exit code 7/);
    expect(stdout).toContain(
      `the end of its stderr:\n${Array.from({ length: 20 }, (_, i) => `  | ${i + 11}`).join("\n")}\n`,
    );
    expect(stdout).toMatch(/more: weft logs [0-9a-z]{12} bad\n$/);
    expect(stdout).toContain("after skipped");
  });

  test("brings values to the task unchanged, in the script and as variables", async () => {
    const value = `it's "x" $(echo no) \`echo no\` \\n *\nnext line ~ {{ y }}`;
    const yaml = `
pipeline: p
params: { text: "", n: 1 }
tasks:
  a:
    run: |
      printf %s {{ params.text }} > bare
      printf %s "{{ params.text }}" > double
      printf %s "$WEFT_PARAM_TEXT" > variable
      cmp bare double && cmp bare variable && printf %s {{ params.n }} >> bare
    outputs: { bare: bare }`;
    const { id, state } = await ran(yaml, "--param", `text=${value}`, "-p", "n=2.5");
    expect(state).toBe("succeeded");
    expect((await weft(cluster, ["get", id, "a", "-o", "-"])).stdout).toBe(`${value}2.5`);
  });

  test("gives the same job for the same key", async () => {
    const yaml = `pipeline: p\ntasks: { a: { run: "true" } }`;
    const key = randomBytes(8).toString("hex");
    const first = await submitted(yaml, "--idempotency-key", key);
    const { stdout } = await weft(cluster, ["submit", folderOf(yaml), "--json", "--idempotency-key", key]);
    expect(JSON.parse(stdout)).toMatchObject({ id: first, existing: true });
  });

  test.each([
    [
      "a mistake in the file",
      ["submit", "DIR"],
      `pipeline: p\ntasks:\n  a: { run: x, tiemout: 3s }`,
      /weft\.yaml:3:16: "tiemout" is not known in task "a" \(did you mean "timeout"\?\)\n {2}2 \| tasks:\n> 3 \|/,
    ],
    [
      "what only the server can know",
      ["submit", "DIR"],
      `pipeline: p\ntasks:\n  a: { run: x, resources: { memory: 900TiB } }`,
      /weft\.yaml:3:37: .*memory/,
    ],
    [
      "an unknown parameter",
      ["submit", "DIR", "--param", "raet=1"],
      `pipeline: p\nparams: { rate: 1 }\ntasks: { a: { run: x } }`,
      /no parameter "raet" \(did you mean "rate"\?\)/,
    ],
    [
      "a parameter of another kind",
      ["submit", "DIR", "--param", "rate=fast"],
      `pipeline: p\nparams: { rate: 1 }\ntasks: { a: { run: x } }`,
      /parameter "rate" is "fast"; its default is 1, so a number would be right/,
    ],
    [
      "a file that is not there",
      ["submit", "DIR/none.yaml"],
      "",
      /there is no .*none\.yaml; name a weft\.yaml, or the folder that holds one/,
    ],
    [
      "a priority out of range",
      ["submit", "DIR", "--priority", "5000"],
      "",
      /a whole number from -1000 to 1000 would be right/,
    ],
    ["an unknown option", ["submit", "DIR", "--folow"], "", /unknown option '--folow'[^]*--follow/],
  ])("exits 2 for %s, and says what would be right", async (_, args, yaml, message) => {
    const folder = folderOf(yaml);
    const { stdout, stderr, exitCode } = await weft(
      cluster,
      args.map((arg) => arg.replace("DIR", folder)),
    );
    expect(stderr).toMatch(message);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
  });

  test("exits 2 for a file of 10 MB without reading it, and for one that is no text", async () => {
    const large = await weft(cluster, ["submit", folderOf(`pipeline: p\n#${"x".repeat(10_000_000)}`)]);
    expect(large.stderr).toMatch(/weft\.yaml has 9\.5MiB; a pipeline has at most 9MiB/);
    const folder = folderOf("");
    writeFileSync(join(folder, "weft.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
    const binary = await weft(cluster, ["submit", folder]);
    expect(binary.stderr).toContain("weft.yaml is not UTF-8 text");
    expect([large.exitCode, binary.exitCode]).toEqual([2, 2]);
  });

  test("interrupted while it follows, leaves the job running and says how to follow or stop it", async () => {
    const child = spawn(
      process.execPath,
      [MAIN, "submit", folderOf(`pipeline: p\ntasks: { a: { run: "sleep 60" } }`), "--follow"],
      {
        env: { ...process.env, WEFT_SERVER: cluster.grpc },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let id = "";
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("job ")) id = line.slice(4);
      if (line.includes("a running")) break;
    }
    let stderr = "";
    child.stderr.on("data", (data) => (stderr += String(data)));
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([130, null]);
    expect(stderr).toContain(`job ${id} goes on. Follow it: weft job ${id} --watch   Stop it: weft cancel ${id}`);
    expect(JSON.parse((await weft(cluster, ["job", id, "--json"])).stdout)).toMatchObject({ state: "running" });
    await weft(cluster, ["cancel", id]);
  });
});

describe("queries", () => {
  let fan: Awaited<ReturnType<typeof ran>>;
  beforeAll(async () => {
    const folder = folderOf(FAN, { "run.sh": "#!/bin/sh\n" });
    chmodSync(join(folder, "run.sh"), 0o755);
    fan = JSON.parse((await weft(cluster, ["submit", folder, "--follow", "--json"])).stdout) as typeof fan;
  });

  test("weft job --json has the fields that scripts rely on", async () => {
    const job = JSON.parse((await weft(cluster, ["job", fan.id, "--json"])).stdout) as typeof fan;
    expect(job).toMatchObject({ id: fan.id, pipeline: "fan", state: "succeeded", trigger: "manual" });
    expect(job.tasks.map(({ name, index }) => [name, index])).toEqual([
      ["make", 0],
      ["each", 0],
      ["each", 1],
    ]);
    for (const task of job.tasks) {
      expect(task).toMatchObject({
        state: "succeeded",
        attempt: 1,
        node: expect.any(String),
        exitCode: 0,
        reason: null,
      });
      expect(task["startedAt"]).toMatch(ISO);
      expect(task["finishedAt"]).toMatch(ISO);
    }
    expect((await weft(cluster, ["job", fan.id.slice(0, 11), "--json"])).exitCode).toBe(0);
  });

  test("what has not happened yet is null", async () => {
    const id = await submitted(`pipeline: p\ntasks: { a: { run: "sleep 60" }, b: { needs: [a], run: "true" } }`);
    const job = JSON.parse((await weft(cluster, ["job", id, "--json"])).stdout) as typeof fan;
    expect(job.tasks[1]).toMatchObject({
      name: "b",
      state: "pending",
      attempt: 0,
      node: null,
      startedAt: null,
      finishedAt: null,
      exitCode: null,
    });
    const explained = await weft(cluster, ["explain", id, "b"]);
    expect(explained.stdout).toMatch(/^b is pending/);
    await weft(cluster, ["cancel", id]);
  });

  test("weft jobs, nodes, queue and lineage give JSON", async () => {
    const read = async (...args: string[]): Promise<unknown> =>
      JSON.parse((await weft(cluster, [...args, "--json"])).stdout) as unknown;
    expect(await read("jobs", "--pipeline", "fan")).toContainEqual(
      expect.objectContaining({ id: fan.id, state: "succeeded", counts: { succeeded: 3 } }),
    );
    expect(await read("nodes")).toEqual([
      expect.objectContaining({ state: "ready", capacity: expect.objectContaining({ cpus: 4 }) as object }),
    ]);
    expect(await read("queue")).toEqual([]);
    expect(await read("top")).toEqual({
      at: expect.stringMatching(ISO),
      server: expect.objectContaining({ leader: true, term: expect.any(Number) }) as object,
      nodes: [expect.objectContaining({ state: "ready" })],
      classes: [],
    });
    const lineage = (await read("lineage", fan.id)) as Record<
      "executions" | "artifacts" | "edges",
      Record<string, unknown>[]
    >;
    expect(lineage.executions).toHaveLength(3);
    expect(lineage.executions[0]).toMatchObject({
      jobId: fan.id,
      state: "succeeded",
      exitCode: 0,
      startedAt: expect.stringMatching(ISO),
    });
    expect(lineage.edges).toContainEqual({
      execution: `${fan.id}.each.1.1`,
      direction: "input",
      name: "one",
      digest: expect.stringMatching(/^sha256:/),
    });
    expect(lineage.artifacts.length).toBeGreaterThan(2);
  });

  test("tables are plain text where there is no terminal", async () => {
    for (const args of [
      ["jobs"],
      ["job", fan.id],
      ["nodes"],
      ["queue"],
      ["top"],
      ["lineage", fan.id],
      ["explain", fan.id, "make"],
    ]) {
      const { stdout, exitCode } = await weft(cluster, args);
      expect({ args, exitCode }).toEqual({ args, exitCode: 0 });
      // eslint-disable-next-line no-control-regex
      expect(stdout).not.toMatch(/\u001B/);
    }
  });

  test("weft logs gives one instance's bytes as they are, and names the task before the lines of several", async () => {
    expect((await weft(cluster, ["logs", fan.id, "each[1]"])).stdout).toBe("instance 2\n");
    expect((await weft(cluster, ["logs", fan.id, "each", "--index", "0"])).stdout).toBe("instance 1\n");
    const lines = (await weft(cluster, ["logs", fan.id])).stdout.trimEnd().split("\n");
    expect(lines.toSorted()).toEqual(["each[0] | instance 1", "each[1] | instance 2"]);
  });

  test("weft get brings files, folders with their modes, and all instances of a mapped task", async () => {
    const to = (name: string): string => join(root, `${fan.id}-${name}`);
    expect((await weft(cluster, ["get", fan.id, "make", "dir", "-o", to("dir")])).exitCode).toBe(0);
    expect(readFileSync(join(to("dir"), "a.txt"), "utf8")).toBe("data\n");
    expect(statSync(join(to("dir"), "run.sh")).mode & 0o111).not.toBe(0);
    expect((await weft(cluster, ["get", fan.id, "each", "-o", to("each")])).exitCode).toBe(0);
    expect(readFileSync(join(to("each"), "1", "r.txt"), "utf8")).toBe("data\n2\n");
    const again = await weft(cluster, ["get", fan.id, "make", "dir", "-o", to("dir")]);
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("exists already; --force writes over it"),
    });
    const unknown = await weft(cluster, ["get", fan.id, "make", "ona"]);
    expect(unknown).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('has no output "ona" (did you mean "one"?)'),
    });
  });

  test.each([
    ["job", "zzzzzzzzzzzz"],
    ["logs", "zzzzzzzzzzzz"],
    ["cancel", "zzzzzzzzzzzz"],
    ["lineage", "zzzzzzzzzzzz"],
    ["explain", "zzzzzzzzzzzz", "a"],
    ["node", "nowhere"],
    ["drain", "nowhere"],
  ])("weft %s of what does not exist exits 2", async (...args) => {
    const { stderr, exitCode } = await weft(cluster, args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^weft: .*(zzzzzzzzzzzz|nowhere)/);
  });
});

test("weft top fills a terminal again and again, and q gives it back as it was", async () => {
  const script = `node ${MAIN} top; echo "left $?"; stty -a | grep -o -- '-\\?icanon'`;
  const env = { ...process.env, WEFT_SERVER: cluster.grpc } as Record<string, string>;
  const terminal = pty.spawn("/bin/sh", ["-c", script], { cols: 100, rows: 30, env, name: "xterm-256color" });
  let seen = "";
  const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
  const drawn = new Promise<void>((resolve) => {
    terminal.onData((text) => {
      seen += text;
      if (seen.split("nodes ready").length > 2) resolve();
    });
  });
  await drawn;
  terminal.write("q");
  await ended;
  // eslint-disable-next-line no-control-regex
  expect(seen).toMatch(/^\u001B\[\?1049h[^]*\u001B\[\?1049lleft 0\r\nicanon\r\n$/);
}, 60_000);

describe("without a server", () => {
  test("every command exits 3 within seconds, and names the address and the remedy", async () => {
    for (const args of [["jobs"], ["submit", folderOf(`pipeline: p\ntasks: { a: { run: x } }`)]]) {
      const { stderr, exitCode } = await weft({ grpc: "127.0.0.1:1" }, args);
      expect(exitCode).toBe(3);
      expect(stderr).toContain("no Weft server answers at 127.0.0.1:1 (from WEFT_SERVER)");
    }
  });

  test("a port that takes connections and says nothing, and the HTTP port, are told apart from a server", async () => {
    const silent = createServer(() => {});
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const { port } = silent.address() as { port: number };
    const answers = await Promise.all([
      weft({ grpc: `127.0.0.1:${port}` }, ["jobs"]),
      weft({ grpc: cluster.http }, ["jobs"]),
    ]);
    silent.close();
    for (const { stderr, exitCode } of answers) {
      expect(stderr).toMatch(/no Weft server answers at .* Is that the gRPC port, and does the server run\?/);
      expect(exitCode).toBe(3);
    }
  });
});
