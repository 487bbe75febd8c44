import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AttemptKey } from "../../lib/core/ids.ts";
import type { CommandOutput, TaskCommand } from "../../worker/index.ts";
import { until } from "../support/wait.ts";
import { isAlive, limited, removeBuilt, WorkerBench } from "../support/worker.ts";

let bench: WorkerBench;
beforeAll(async () => {
  bench = await WorkerBench.open();
  await bench.worker.recover([], []);
});
afterAll(async () => {
  await bench.close();
  removeBuilt();
});

const TERMINAL = { columns: 91, rows: 37, name: "xterm" };

interface Read {
  stdout: string;
  stderr: string;
  exit: (CommandOutput & { kind: "exit" }) | undefined;
}

async function readAll(command: TaskCommand, into: Read = { stdout: "", stderr: "", exit: undefined }): Promise<Read> {
  for await (const output of command.output) {
    if (output.kind === "exit") into.exit = output;
    else into[output.kind] += output.bytes.toString("latin1");
  }
  return into;
}

/** An attempt that runs until it is stopped. */
async function running(script = "", parts: Parameters<typeof bench.start>[1] = {}): Promise<AttemptKey> {
  const key = bench.start(`${script}\nexec sleep 1000`, parts);
  await bench.started(key);
  return key;
}

async function end(key: AttemptKey): Promise<void> {
  bench.worker.stop(key, "cancelled", 0);
  await bench.ended(key);
}

test("a command runs in the attempt's workspace with its variables, streams and exit code its own", async () => {
  const key = await running("echo made > here", { env: { COLOUR: "blue" } });
  const script = 'cat; echo "$COLOUR $WEFT_ATTEMPT_KEY"; cat here; echo problem >&2; exit 9';
  const command = await bench.worker.exec(key, { argv: ["sh", "-c", script], terminal: null });
  await command.write(Buffer.from("said\n"));
  await command.endInput();
  expect(await readAll(command)).toMatchObject({
    stdout: `said\nblue ${key}\nmade\n`,
    stderr: "problem\n",
    exit: { exitCode: 9, signal: null, error: null },
  });
  await end(key);
});

test("bytes pass as they are, however many, while nobody hurries to read them", async () => {
  const key = await running();
  const command = await bench.worker.exec(key, { argv: ["cat"], terminal: null });
  const sent = randomBytes(10 * 2 ** 20);
  const write = async (): Promise<void> => {
    for (let from = 0; from < sent.length; from += 100_000) await command.write(sent.subarray(from, from + 100_000));
    await command.endInput();
  };
  const writing = write();
  const got: Buffer[] = [];
  for await (const output of command.output) if (output.kind === "stdout") got.push(Buffer.from(output.bytes));
  await writing;
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  await end(key);
});

test("a terminal is one: it has a size, it can be resized, and its keys are keys", async () => {
  const key = await running();
  const command = await bench.worker.exec(key, { argv: ["sh"], terminal: TERMINAL });
  const read: Read = { stdout: "", stderr: "", exit: undefined };
  const reading = readAll(command, read);
  await command.write(Buffer.from("stty size; tty; echo $TERM\n"));
  await until(() => /37 91\r\n\/dev\/pts\/\d+\r\nxterm\r\n/.test(read.stdout), "the size");
  await command.resize({ columns: 120, rows: 50 });
  await command.write(Buffer.from("stty size\n"));
  await until(() => read.stdout.includes("50 120\r\n"), "the new size");
  await command.write(Buffer.from("sleep 999\n"));
  await until(() => read.stdout.includes("sleep 999"), "the echo");
  await command.write(Buffer.from("\u0003"));
  await command.write(Buffer.from("exit 5\n"));
  await reading;
  expect(read.exit).toMatchObject({ exitCode: 5, signal: null });
  await end(key);
});

test("when the attempt ends, what runs in it for others ends too, without a word about leftovers", async () => {
  const key = await running("sleep 0.1; exit 0");
  const gate = bench.start("while [ ! -e go ]; do sleep 0.02; done");
  await bench.started(gate);
  const script = "trap '' TERM HUP INT; setsid sleep 500 & echo $$ $!; wait";
  const command = await bench.worker.exec(gate, { argv: ["sh", "-c", script], terminal: null });
  const first = (await command.output[Symbol.asyncIterator]().next()).value as CommandOutput & { kind: "stdout" };
  const pids = first.bytes.toString().trim().split(" ").map(Number);
  const touch = await bench.worker.exec(gate, { argv: ["touch", "go"], terminal: null });
  await readAll(touch);
  const ended = await bench.ended(gate);
  expect(ended).toMatchObject({ outcome: { kind: "succeeded" }, message: "" });
  expect(pids.map(isAlive)).toEqual([false, false]);
  await expect(bench.worker.exec(gate, { argv: ["true"], terminal: null })).rejects.toMatchObject({
    code: "failed_precondition",
  });
  await bench.ended(key);
});

test("an attempt that is told to stop does not wait for who sits in it", async () => {
  const key = await running("trap 'exit 0' TERM");
  const command = await bench.worker.exec(key, {
    argv: ["sh", "-c", "trap '' TERM HUP; echo in; sleep 500"],
    terminal: null,
  });
  await command.output[Symbol.asyncIterator]().next();
  bench.worker.stop(key, "cancelled", 60_000);
  expect(await bench.ended(key)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
});

for (const [how, input] of [
  ["reads", 0],
  ["does not read its input", 2 ** 20],
] as const) {
  test(`a command that ${how} ends when its caller hangs up, and the attempt goes on`, async () => {
    const key = await running();
    const script = "trap '' HUP TERM; setsid sleep 500 & echo $$ $!; sleep 500; sleep 500";
    const command = await bench.worker.exec(key, { argv: ["sh", "-c", script], terminal: null });
    const first = (await command.output[Symbol.asyncIterator]().next()).value as CommandOutput & { kind: "stdout" };
    const pids = first.bytes.toString().trim().split(" ").map(Number);
    void command.write(Buffer.alloc(input));
    command.close();
    await until(() => !pids.some(isAlive), "its end");
    expect(bench.worker.active().map((each) => each.key)).toContain(key);
    await end(key);
  });
}

test("what it uses is counted with the attempt, its host is not", async () => {
  const key = await running("", limited(400));
  const work = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 1.5";
  const command = await bench.worker.exec(key, { argv: ["sh", "-c", work], terminal: null });
  await readAll(command);
  await end(key);
  const { usage } = await bench.ended(key);
  expect(usage.peakMemoryBytes).toBeGreaterThan(55_000_000);
  const plain = await running("", limited(400));
  const idle = await bench.worker.exec(plain, { argv: ["sleep", "1.5"], terminal: null });
  await readAll(idle);
  await end(plain);
  expect((await bench.ended(plain)).usage.peakMemoryBytes).toBeLessThan(25_000_000);
});

test("a command that is not there is named as such", async () => {
  const key = await running();
  for (const terminal of [null, TERMINAL]) {
    const command = await bench.worker.exec(key, { argv: ["no-such-thing"], terminal });
    expect((await readAll(command)).exit).toMatchObject({ exitCode: null, error: "ENOENT" });
  }
  await end(key);
});

test("when the agent is gone, so is whoever sat at its terminals", async () => {
  const key = await running();
  const command = await bench.worker.exec(key, {
    argv: ["sh", "-c", "trap '' HUP; echo $$; sleep 500"],
    terminal: null,
  });
  const first = (await command.output[Symbol.asyncIterator]().next()).value as CommandOutput & { kind: "stdout" };
  const pid = Number(first.bytes.toString());
  await bench.worker.close({ stopAttempts: false });
  await until(() => !isAlive(pid), "its end");
  await bench.reopen();
  expect(existsSync(join(bench.dir, "attempts", key, "exit.json"))).toBe(true);
  await bench.worker.recover([], []);
});
