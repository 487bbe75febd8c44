import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, type TestContext } from "vitest";
import { type JobJson, startWeft, submit, weft, weftJson } from "../../support/command.ts";
import { type Bare, startAgent, startBare, startServer, sweep } from "../../support/parts.ts";
import { until } from "../../support/wait.ts";

const LIMIT_MS = 120_000;

let bare: Bare;
const cleanups: (() => unknown)[] = [];
beforeEach(async () => {
  bare = await startBare();
}, LIMIT_MS);
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await bare.stop();
}, LIMIT_MS);

/** A disk of its own, small enough to be full when a test wants it. */
function smallDisk(name: string, size: string, skip: TestContext["skip"]): string {
  const folder = join(bare.folder, name);
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "ignore" });
  } catch {
    skip("needs the right to mount a tmpfs");
  }
  cleanups.push(() => execFileSync("umount", ["--lazy", folder]));
  return folder;
}

/** Writes until there is no room; gives the file whose end makes room again. */
function fill(disk: string): string {
  const filler = join(disk, "filler");
  expect(() => {
    for (let size = 1 << 20; ;) appendFileSync(filler, Buffer.alloc(size));
  }).toThrow("ENOSPC");
  expect(() => {
    for (;;) appendFileSync(filler, Buffer.alloc(4096));
  }).toThrow("ENOSPC");
  return filler;
}

async function cluster(places: { readonly home?: string; readonly agentDir?: string }): Promise<string> {
  const { databaseUrl, folder, nats } = bare;
  const home = places.home ?? join(folder, "home");
  const server = await startServer({ home, databaseUrl, natsUrl: nats.url, flags: ["--heartbeat-ms", "500"] });
  cleanups.push(() => server.stop());
  const dir = places.agentDir ?? join(folder, "agent");
  const agent = await startAgent(server.grpc, dir, ["--cpus", "4"]);
  cleanups.push(
    () => sweep(dir),
    () => agent.stop(),
  );
  return server.grpc;
}

let files = 0;
function pipeline(task: string): string {
  const folder = join(bare.folder, `pipeline-${(files += 1)}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "weft.yaml"), `pipeline: full\ntasks:\n  it:\n    ${task.replaceAll("\n", "\n    ")}\n`);
  return join(folder, "weft.yaml");
}

async function jobOf(grpc: string, id: string): Promise<JobJson> {
  return weftJson<JobJson>(grpc, ["job", id]);
}

test(
  "a task that fills the node's disk is told so, and the node has room again",
  { timeout: LIMIT_MS },
  async ({ skip }) => {
    const agentDir = smallDisk("agent", "24m", skip);
    const grpc = await cluster({ agentDir });
    const id = await submit(grpc, pipeline("run: head -c 100000000 /dev/zero > big.bin\noutputs: { big: big.bin }"));
    // Another node might have the room: it is tried again, and given up after `retries.crashes`.
    const full = await until(
      async () => (await jobOf(grpc, id)).tasks.find(({ losses }) => losses > 0),
      "the attempt to be lost to the full disk",
      30_000,
    );
    expect(full.message).toMatch(/the disk of .* is full.* larger disk/);
    const beside = await weft(grpc, ["submit", pipeline("run: echo there is room"), "--follow"]);
    expect(beside.exitCode, beside.stdout.toString()).toBe(0);
    expect((await weft(grpc, ["cancel", id])).exitCode).toBe(0);
  },
);

test(
  "a node whose disk is full takes no new work and is shown with why; with room again it works on",
  { timeout: LIMIT_MS },
  async ({ skip }) => {
    const agentDir = smallDisk("agent", "16m", skip);
    const grpc = await cluster({ agentDir });
    const filler = fill(agentDir);
    // The journal is what notices: larger than what may be left in its last block.
    const padding = "x".repeat(8_192);
    const id = await submit(grpc, pipeline(`run: echo ran\nenv: { PADDING: ${padding} }`));
    await until(
      async () => (await weft(grpc, ["nodes", "--json"])).stdout.toString().includes("is full"),
      "the node to be shown with its trouble",
      30_000,
    );
    expect((await weft(grpc, ["nodes"])).stdout.toString()).toContain("is full");
    rmSync(filler);
    const end = await weft(grpc, ["job", id, "--watch"]);
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    const job = await jobOf(grpc, id);
    expect(job.tasks[0]).toMatchObject({ state: "succeeded" });
    expect((await weft(grpc, ["logs", id, "it"])).stdout.toString()).toBe("ran\n");
  },
);

test(
  "while the disk is full under a running task its end is kept, and told when there is room",
  { timeout: LIMIT_MS },
  async ({ skip }) => {
    const agentDir = smallDisk("agent", "16m", skip);
    const grpc = await cluster({ agentDir });
    const ended = join(bare.folder, "ended");
    const gate = join(bare.folder, "gate");
    const id = await submit(
      grpc,
      pipeline(`run: |\n  echo begun\n  while [ ! -e ${gate} ]; do sleep 0.1; done\n  echo x >> ${ended}`),
    );
    await until(async () => (await jobOf(grpc, id)).tasks[0]?.state === "running", "the task to run", 30_000);
    const filler = fill(agentDir);
    writeFileSync(gate, "");
    const watched = startWeft(grpc, ["job", id, "--watch"]);
    await until(() => execFileSync("cat", [ended]).toString() === "x\n", "the command to end", 30_000);
    rmSync(filler);
    expect((await watched.done).exitCode).toBe(0);
    expect((await jobOf(grpc, id)).tasks[0]).toMatchObject({ state: "succeeded", attempt: 1 });
    expect(execFileSync("cat", [ended]).toString()).toBe("x\n");
  },
);

test(
  "an artifact store that is full refuses code by name; outputs wait for room, and the job ends",
  { timeout: LIMIT_MS },
  async ({ skip }) => {
    const home = smallDisk("home", "24m", skip);
    const grpc = await cluster({ home });
    const ended = join(bare.folder, "ended");
    const gate = join(bare.folder, "gate");
    const id = await submit(
      grpc,
      pipeline(
        `run: |\n  while [ ! -e ${gate} ]; do sleep 0.1; done\n  head -c 1000000 /dev/urandom > out.bin\n  echo x >> ${ended}\noutputs: { out: out.bin }`,
      ),
    );
    await until(async () => (await jobOf(grpc, id)).tasks[0]?.state === "running", "the task to run", 30_000);
    const filler = fill(home);
    const file = pipeline("run: 'true'");
    writeFileSync(join(file, "../data.bin"), Buffer.alloc(4_000_000, 7));
    const refused = await weft(grpc, ["submit", file]);
    expect(refused.exitCode, refused.stderr).toBe(1);
    expect(refused.stderr).toMatch(/artifact store .* cannot take more: .* free space there/);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
    writeFileSync(gate, "");
    await until(() => execFileSync("cat", [ended]).toString() === "x\n", "the command to end", 30_000);
    await until(
      async () => (await weft(grpc, ["explain", id, "it"])).exitCode === 0 && (await jobOf(grpc, id)).state,
      "the job to be there",
    );
    rmSync(filler);
    const end = await weft(grpc, ["job", id, "--watch"]);
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    const got = await weft(grpc, ["get", id, "it", "out", "-o", "-"]);
    expect(got.stdout.length).toBe(1_000_000);
    expect(execFileSync("cat", [ended]).toString()).toBe("x\n");
  },
);
