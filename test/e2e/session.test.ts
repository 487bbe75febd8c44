import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import pty from "@lydell/node-pty";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, MAIN, startWeft, submit, weft, weftJson } from "../support/command.ts";
import { type Bare, type Part, type ServerPart, startAgent, startBare, startServer, sweep } from "../support/parts.ts";
import { until } from "../support/wait.ts";
import { isAlive } from "../support/worker.ts";

const LIMIT_MS = 120_000;

/** The agent and the commands of these tests talk to the follower; the leader answers. */
let bare: Bare;
let leader: ServerPart;
let follower: ServerPart;
let agent: Part;
let job: string;

const serve = (name: string): Promise<ServerPart> =>
  startServer({ home: join(bare.folder, name), databaseUrl: bare.databaseUrl, natsUrl: bare.nats.url });

beforeAll(async () => {
  bare = await startBare();
  leader = await serve("first");
  follower = await serve("second");
  agent = await startAgent(follower.grpc, join(bare.folder, "n1"), ["--name", "n1", "--cpus", "8"]);
  const folder = join(bare.folder, "pipeline");
  mkdirSync(folder);
  writeFileSync(join(folder, "echo.mjs"), ECHO);
  writeFileSync(
    join(folder, "weft.yaml"),
    `pipeline: sessions
tasks:
  long:
    map: { n: [10, 20] }
    env: { COLOUR: blue }
    resources: { cpus: 0.1 }
    run: echo $WEFT_MAP_N > n; exec sleep 1000
  web:
    resources: { cpus: 0.1 }
    run: exec node echo.mjs
`,
  );
  job = await submit(leader.grpc, folder);
  await until(async () => {
    const { tasks } = await weftJson<JobJson>(leader.grpc, ["job", job]);
    return tasks.every(({ state }) => state === "running");
  }, "the tasks to run");
}, 120_000);

afterAll(async () => {
  await weft(leader.grpc, ["cancel", job]);
  await agent?.stop();
  await sweep(join(bare.folder, "n1"));
  await follower?.stop();
  await leader?.stop();
  await bare?.stop();
}, 120_000);

/** An HTTP server that says what it got, and a TCP one beside it that answers once its caller has no more to say. */
const ECHO = `
import { createServer } from "node:http";
import { createServer as tcp } from "node:net";
import { writeFileSync } from "node:fs";
const web = createServer((request, response) => {
  let bytes = 0;
  request.on("data", (chunk) => (bytes += chunk.length));
  request.on("end", () => response.end(request.url + " " + bytes + " " + "x".repeat(100_000)));
}).listen(0, "127.0.0.1", () => {
  const raw = tcp({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("end", () => socket.end("got " + bytes));
    socket.on("error", () => {});
  }).listen(0, "127.0.0.1", () => writeFileSync("ports", web.address().port + " " + raw.address().port));
});
`;

interface Ran {
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Starts \`weft exec\` without a terminal; what it is given on stdin is up to the test. */
function startExec(task: string, ...command: string[]): { child: ChildProcess; done: Promise<Ran> } {
  const env = { ...process.env, WEFT_HOME: undefined, WEFT_SERVER: follower.grpc };
  const child = spawn(process.execPath, [MAIN, "exec", job, task, "--", ...command], { env, stdio: "pipe" });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => out.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => err.push(bytes));
  child.stdin.on("error", () => {});
  const done = once(child, "close").then(([exitCode]) => ({
    exitCode: exitCode as number | null,
    stdout: Buffer.concat(out),
    stderr: Buffer.concat(err).toString(),
  }));
  return { child, done };
}

async function exec(task: string, ...command: string[]): Promise<Ran> {
  const { child, done } = startExec(task, ...command);
  child.stdin!.end();
  return done;
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  return line;
}

test(
  "a command runs in the instance's environment; streams and exit code are its own",
  { timeout: LIMIT_MS },
  async () => {
    const ran = await exec(
      "long[1]",
      "sh",
      "-c",
      'cat n; echo "$COLOUR $WEFT_INDEX $WEFT_JOB_ID"; echo problem >&2; exit 7',
    );
    expect({ ...ran, stdout: ran.stdout.toString() }).toEqual({
      exitCode: 7,
      stdout: `20\nblue 1 ${job}\n`,
      stderr: "problem\n",
    });
    expect((await exec("long", "sh", "-c", "kill -9 $$")).exitCode).toBe(137);
    expect(await exec("long", "no-such-thing")).toMatchObject({
      exitCode: 127,
      stderr: expect.stringContaining('no command "no-such-thing"'),
    });
  },
);

test("10 MB pass through stdin and stdout byte for byte", { timeout: LIMIT_MS }, async () => {
  const sent = randomBytes(10 * 2 ** 20);
  const { child, done } = startExec("long", "cat");
  child.stdin!.end(sent);
  const { exitCode, stdout, stderr } = await done;
  expect({ exitCode, stderr, same: stdout.equals(sent) }).toEqual({ exitCode: 0, stderr: "", same: true });
});

test("what cannot be entered is named, with what it is instead", { timeout: LIMIT_MS }, async () => {
  const wrong = async (...args: string[]) => (await weft(follower.grpc, ["exec", ...args, "--", "true"])).stderr;
  expect(await wrong(job, "lnog")).toMatch(/no task "lnog".*long/);
  expect(await wrong(job, "long[2]")).toMatch(/no instance 2/);
  expect(await wrong("zzz", "long")).toMatch(/no job "zzz"/);
});

test(
  "in a terminal it is one: size, resize, Ctrl-C for the command, and all as it was afterwards",
  { timeout: LIMIT_MS },
  async () => {
    // A shell around it, so that the state of its terminal can be asked for afterwards.
    const script = `stty -a | grep -o -- '-\\?icanon'; node ${MAIN} exec ${job} long[0]; echo "left $?"; stty -a | grep -o -- '-\\?icanon'`;
    const env = { ...process.env, WEFT_SERVER: follower.grpc } as Record<string, string>;
    const terminal = pty.spawn("/bin/sh", ["-c", script], { cols: 101, rows: 33, env, name: "xterm-256color" });
    let seen = "";
    terminal.onData((text) => (seen += text));
    const ended = new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    await until(() => /[$#] $/.test(seen), "a prompt");
    terminal.write("stty size; echo $TERM $COLOUR\r");
    await until(() => /33 101\r\nxterm-256color blue/.test(seen), "the size");
    terminal.resize(77, 22);
    await until(() => {
      terminal.write("stty size\r");
      return seen.includes("22 77\r\n");
    }, "the new size");
    terminal.write("sleep 999; echo after\r");
    await until(() => seen.includes("sleep 999"), "the echo");
    terminal.write("\u0003");
    terminal.write("exit 3\r");
    await ended;
    expect(seen).toMatch(/^icanon\r\n/);
    expect(seen).toMatch(/left 3\r\nicanon\r\n$/);
  },
);

test("kill -9 of the client ends the command", { timeout: LIMIT_MS }, async () => {
  const { child, done } = startExec("long", "sh", "-c", "trap '' HUP TERM; echo $$; sleep 500; sleep 500");
  const pid = Number(await firstLine(child));
  expect(isAlive(pid)).toBe(true);
  child.kill("SIGKILL");
  await done;
  await until(() => !isAlive(pid), "the command's end");
});

test("Ctrl-C without a terminal ends the command", { timeout: LIMIT_MS }, async () => {
  const { child, done } = startExec("long", "sh", "-c", "echo $$; sleep 500");
  const pid = Number(await firstLine(child));
  child.kill("SIGINT");
  expect((await done).exitCode).toBe(130);
  await until(() => !isAlive(pid), "the command's end");
});

/** The local port of a `weft forward` once it listens. */
async function forwarding(command: ReturnType<typeof startWeft>): Promise<number> {
  const match = await until(() => /^forwarding 127\.0\.0\.1:(\d+) to port/.exec(command.stdout()), "the listener");
  return Number(match[1]);
}

const portsOf = (): number[] => {
  const key = `${job}.web.0.1`;
  return readFileSync(join(bare.folder, "n1/attempts", key, "workspace/ports"), "utf8")
    .split(" ")
    .map(Number);
};

test("50 requests at once pass through a forward, each with its own answer", { timeout: LIMIT_MS }, async () => {
  const [web] = portsOf();
  const command = startWeft(follower.grpc, ["forward", job, "web", String(web), "--local-port", "0"]);
  const port = await forwarding(command);
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const body = "y".repeat(i * 1_000);
      const response = await fetch(`http://127.0.0.1:${port}/${i}`, { method: "POST", body });
      return response.text();
    }),
  );
  expect(answers.map((text) => text.slice(0, text.lastIndexOf(" ")))).toEqual(
    answers.map((_, i) => `/${i} ${i * 1_000}`),
  );
  expect(answers.every((text) => text.endsWith("x".repeat(100_000)))).toBe(true);
  command.child.kill("SIGINT");
  expect((await command.done).exitCode).toBe(130);
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});

test("one direction of a forwarded connection may end before the other", { timeout: LIMIT_MS }, async () => {
  const [, raw] = portsOf();
  const command = startWeft(follower.grpc, ["forward", job, "web", String(raw), "-l", "0"]);
  const port = await forwarding(command);
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(Buffer.alloc(3_000_000));
  let got = "";
  for await (const chunk of socket) got += String(chunk);
  expect(got).toBe("got 3000000");
  command.child.kill("SIGTERM");
  await command.done;
});

test("a port where nothing listens is said once, and the connection is cut", { timeout: LIMIT_MS }, async () => {
  const command = startWeft(follower.grpc, ["forward", job, "web", "1", "-l", "0"]);
  const port = await forwarding(command);
  for (const _ of [1, 2]) await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  command.child.kill("SIGINT");
  expect((await command.done).stderr).toBe("weft: nothing listens on port 1 of the task's machine (127.0.0.1)\n");
});

test("a forward waits for its task, and ends with it", { timeout: LIMIT_MS }, async () => {
  const folder = join(bare.folder, "later");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "weft.yaml"),
    `pipeline: later
tasks:
  first: { resources: { cpus: 0.1 }, run: "while [ ! -e go ]; do sleep 0.05; done" }
  then: { needs: [first], resources: { cpus: 0.1 }, run: "while [ ! -e go ]; do sleep 0.05; done" }
`,
  );
  const id = await submit(leader.grpc, folder);
  const command = startWeft(follower.grpc, ["forward", id, "then", "9999", "-l", "0"]);
  const touch = (task: string) =>
    until(
      async () => (await weft(follower.grpc, ["exec", id, task, "--", "touch", "go"])).exitCode === 0,
      `${task} runs`,
    );
  await touch("first");
  await forwarding(command);
  await touch("then");
  expect(await command.done).toMatchObject({
    exitCode: 0,
    stderr: "weft: then is pending; waiting until it runs\nweft: then has ended (succeeded)\n",
  });
});

test("when the task ends, so does a command in it, and its caller is told", { timeout: LIMIT_MS }, async () => {
  const folder = join(bare.folder, "ends");
  mkdirSync(folder);
  writeFileSync(
    join(folder, "weft.yaml"),
    `pipeline: ends\ntasks: { t: { resources: { cpus: 0.1 }, run: "while [ ! -e go ]; do sleep 0.05; done" } }`,
  );
  const id = await submit(leader.grpc, folder);
  const inside = async (script: string) => weft(follower.grpc, ["exec", id, "t", "--", "sh", "-c", script]);
  await until(async () => (await inside("true")).exitCode === 0, "it runs");
  const ended = await inside("touch go; sleep 500");
  expect(ended).toMatchObject({ exitCode: 137, stderr: expect.stringContaining("the attempt it ran in has ended") });
});

test(
  "a server that goes away breaks a session off with a word, and nothing is left running",
  { timeout: LIMIT_MS },
  async () => {
    const { child, done } = startExec("long", "sh", "-c", "trap '' HUP; echo $$; sleep 500; sleep 500");
    const pid = Number(await firstLine(child));
    await leader.kill();
    const { exitCode, stderr } = await done;
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^weft: .+/);
    await until(() => !isAlive(pid), "the command's end");
    // The other server takes over, and sessions can be had again.
    await until(async () => (await exec("long", "true")).exitCode === 0, "the other server leads", 30_000);
    leader = await serve("first");
  },
);
