import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, startWeft, submit, weft, weftJson } from "../../support/command.ts";
import { type Cluster, startCluster } from "../../support/parts.ts";
import { until } from "../../support/wait.ts";
import { isAlive } from "../../support/worker.ts";

const LIMIT_MS = 120_000;
const FLOOD_BYTES = 200_000_000;
/** Every byte there is, so also what is no UTF-8, no line and no text. */
const ANY_BYTES = Buffer.from(Array.from({ length: 4096 }, (_, i) => i & 0xff));

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, LIMIT_MS);
afterAll(() => cluster?.stop(), LIMIT_MS);

let files = 0;
function pipeline(task: string): string {
  const folder = join(cluster.bare.folder, `pipeline-${(files += 1)}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "any.bin"), ANY_BYTES);
  writeFileSync(join(folder, "weft.yaml"), `pipeline: faults\ntasks:\n  it:\n    ${task.replaceAll("\n", "\n    ")}\n`);
  return join(folder, "weft.yaml");
}

/** Runs one task to its end as a user does. */
async function run(
  task: string,
): Promise<{ id: string; exitCode: number | null; text: string; it: JobJson["tasks"][0] }> {
  const file = pipeline(task);
  const shown = await weft(cluster.server.grpc, ["submit", file, "--follow"]);
  const text = `${shown.stdout.toString()}${shown.stderr}`;
  const id = /^job (\S+)/m.exec(text)?.[1] ?? "";
  const job = await weftJson<JobJson>(cluster.server.grpc, ["job", id]);
  return { id, exitCode: shown.exitCode, text, it: job.tasks[0]! };
}

async function logOf(id: string): Promise<Buffer> {
  const { exitCode, stdout, stderr } = await weft(cluster.server.grpc, ["logs", id, "it"]);
  expect(exitCode, stderr).toBe(0);
  expect(stderr).not.toContain("weft:");
  return stdout;
}

test(
  "a program that is not there fails its task, by name, and the job with exit code 1",
  { timeout: LIMIT_MS },
  async () => {
    const { exitCode, text, it } = await run('run: ["no-such-program", "--fast"]');
    expect(exitCode, text).toBe(1);
    expect(it).toMatchObject({ state: "failed", exitCode: null });
    expect(it.message).toContain("no-such-program");
    expect(text).toContain(it.message);
  },
);

test(
  "a command that does not exist in a script is exit code 127, with what the shell said",
  { timeout: LIMIT_MS },
  async () => {
    const { exitCode, text, it } = await run("run: no-such-command --fast");
    expect(exitCode, text).toBe(1);
    expect(it).toMatchObject({ state: "failed", exitCode: 127 });
    expect(text).toMatch(/no-such-command: (command )?not found/);
  },
);

test.each(["table.csv", "model/"])(
  "an output that is not there (%s) fails the task by name, though its command succeeded",
  { timeout: LIMIT_MS },
  async (path) => {
    const { exitCode, text, it } = await run(`run: echo done > other.txt\noutputs: { result: ${path} }`);
    expect(exitCode, text).toBe(1);
    expect(it).toMatchObject({ state: "failed", exitCode: 0 });
    expect(it.message).toContain("result");
    expect(it.message).toContain(path);
  },
);

test("one that forks and leaves succeeds, and what it left is gone and mentioned", { timeout: LIMIT_MS }, async () => {
  const { id, exitCode, text, it } = await run("run: setsid sleep 1000 > /dev/null 2>&1 & echo $!");
  expect(exitCode, text).toBe(0);
  expect(it.message).toMatch(/1 process .*left running was killed/);
  const pid = Number((await logOf(id)).toString());
  expect(pid).toBeGreaterThan(1);
  expect(isAlive(pid)).toBe(false);
});

test("binary on stdout comes back byte by byte, from the log and as an output", { timeout: LIMIT_MS }, async () => {
  const { id, exitCode, text } = await run("run: cat any.bin | tee copy.bin\noutputs: { copy: copy.bin }");
  expect(exitCode, text).toBe(0);
  expect(await logOf(id)).toEqual(ANY_BYTES);
  const got = await weft(cluster.server.grpc, ["get", id, "it", "copy", "-o", "-"]);
  expect(got.stdout).toEqual(ANY_BYTES);
});

test("200 MB on stdout are all there, while they are printed and afterwards", { timeout: LIMIT_MS }, async () => {
  const script = `head -c ${FLOOD_BYTES} /dev/zero | tr '\\0' 'x' | fold -w 99`;
  const id = await submit(cluster.server.grpc, pipeline(`run: ${JSON.stringify(script)}`));
  const followed = startWeft(cluster.server.grpc, ["logs", id, "it", "-f"]).done;
  const wanted = `${"x".repeat(99)}\n`;
  const lines = Math.floor(FLOOD_BYTES / 99);
  const expected = createHash("sha256");
  for (let i = 0; i < lines; i += 1) expected.update(wanted);
  expected.update("x".repeat(FLOOD_BYTES % 99));
  const digest = expected.digest("hex");
  const live = await followed;
  expect(live.stderr).not.toContain("weft:");
  expect(createHash("sha256").update(live.stdout).digest("hex")).toBe(digest);
  const kept = await logOf(id);
  expect(createHash("sha256").update(kept).digest("hex")).toBe(digest);
});

test(
  "one that ignores SIGTERM is killed by a cancel after its grace, with all its children",
  { timeout: LIMIT_MS },
  async () => {
    const id = await submit(
      cluster.server.grpc,
      pipeline("run: |\n  trap '' TERM\n  sleep 1000 &\n  echo $$ $!\n  while :; do sleep 0.1; done\nstopGrace: 1s"),
    );
    const pids = await until(
      async () => {
        const { stdout } = await weft(cluster.server.grpc, ["logs", id, "it"]);
        const found = stdout.toString().trim().split(" ").map(Number);
        return found.length === 2 && found;
      },
      "its pids",
      30_000,
    );
    expect(pids.map(isAlive)).toEqual([true, true]);
    const cancelled = await weft(cluster.server.grpc, ["cancel", id, "--reason", "enough"]);
    expect(cancelled.exitCode, cancelled.stderr).toBe(0);
    const ended = await weft(cluster.server.grpc, ["job", id, "--watch", "--json"]);
    expect(ended.exitCode).toBe(1);
    expect(JSON.parse(ended.stdout.toString())).toMatchObject({ state: "cancelled", tasks: [{ state: "cancelled" }] });
    expect(pids.map(isAlive)).toEqual([false, false]);
  },
);

test("nothing of all that is left on the node", async () => {
  const attempts = join(cluster.agentDir, "attempts");
  await until(
    () => !existsSync(attempts) || readdirSync(attempts).length === 0,
    `the attempts' folders to be gone; there are ${readdirSync(attempts).join(" ")}`,
    30_000,
  );
  expect(readFileSync(join(cluster.agentDir, "node.json"), "utf8")).toContain("nodeId");
});
