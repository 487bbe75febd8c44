import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, startWeft, submit, weft, weftJson } from "../support/command.ts";
import { type Bare, type Part, type ServerPart, startAgent, startBare, startServer, sweep } from "../support/parts.ts";
import { until } from "../support/wait.ts";

const LIMIT_MS = 120_000;
/** Each look is a process of its own, on a machine that other tests keep busy. */
const WAIT_MS = 30_000;

let bare: Bare;
let server: ServerPart;
let agent: Part;

beforeAll(async () => {
  bare = await startBare();
  const { databaseUrl, nats, folder } = bare;
  server = await startServer({ home: join(folder, "home"), databaseUrl, natsUrl: nats.url });
  agent = await startAgent(server.grpc, join(folder, "n1"), ["--name", "n1", "--cpus", "8"]);
}, 120_000);

afterAll(async () => {
  await agent?.stop();
  await sweep(join(bare.folder, "n1"));
  await server?.stop();
  await bare?.stop();
}, 120_000);

/** Says 503 until there is a file `up`, 500 to /alive once there is one `sick`, and ends with `crash`. */
const SERVE = `
import { createServer } from "node:http";
import { existsSync } from "node:fs";
createServer((request, response) => {
  const well = request.url === "/alive" ? !existsSync("sick") : existsSync("up");
  response.statusCode = well ? 200 : 503;
  response.end("served by " + process.env.WEFT_ATTEMPT);
}).listen(Number(process.env.WEFT_PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
`;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function submitted(name: string, tasks: string): Promise<string> {
  const folder = join(bare.folder, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "serve.mjs"), SERVE);
  writeFileSync(join(folder, "weft.yaml"), `pipeline: ${name}\ntasks:\n${tasks}`);
  return submit(server.grpc, folder);
}

type Shown = JobJson["tasks"][number] & {
  readonly service?: { readonly ready: boolean; readonly restarts: number; readonly message: string };
};

async function taskOf(id: string, name: string): Promise<Shown> {
  const { tasks } = await weftJson<JobJson>(server.grpc, ["job", id]);
  return tasks.find((task) => task.name === name)!;
}

const inside = (id: string, task: string, script: string) =>
  weft(server.grpc, ["exec", id, task, "--", "sh", "-c", script]);

test(
  "who needs a service starts when it is ready and reaches it; when all is done the service is stopped and the job succeeds",
  { timeout: LIMIT_MS },
  async () => {
    const port = await freePort();
    const id = await submitted(
      "serving",
      `  web:
    run: exec node serve.mjs
    resources: { cpus: 0.1 }
    service: { port: ${port}, readiness: { http: /, period: 100ms, failures: 2 } }
  use:
    needs: [web]
    resources: { cpus: 0.1 }
    run: node -e 'fetch("http://" + process.env.WEFT_SERVICE_WEB).then((r) => r.text()).then(console.log)'
`,
    );
    // It answers, and not as it should: it is not ready, and says why.
    await until(async () => (await taskOf(id, "web")).service?.message.includes("503"), "the probe's word", WAIT_MS);
    expect((await taskOf(id, "use")).state).toBe("pending");
    expect((await weft(server.grpc, ["explain", id, "use"])).stdout.toString()).toContain(
      "service web has not been ready",
    );
    expect((await weft(server.grpc, ["explain", id, "web"])).stdout.toString()).toMatch(/not ready: .*503/);
    await inside(id, "web", "touch up");
    const watched = await weft(server.grpc, ["job", id, "--watch"]);
    expect(watched.exitCode, watched.stdout.toString()).toBe(0);
    expect((await weft(server.grpc, ["logs", id, "use"])).stdout.toString()).toBe("served by 1\n");
    expect(await taskOf(id, "web")).toMatchObject({ state: "succeeded", reason: "finished" });
  },
);

test(
  "a liveness probe that fails ends the attempt, which is started again; restarts are counted, and known after kill -9 of server and agent",
  { timeout: LIMIT_MS },
  async () => {
    const port = await freePort();
    const id = await submitted(
      "living",
      `  web:
    run: exec node serve.mjs
    resources: { cpus: 0.1 }
    service:
      port: ${port}
      readiness: { command: test -e up, period: 100ms }
      liveness: { http: /alive, period: 100ms, failures: 2 }
      backoff: 10ms
`,
    );
    const attempt = (n: number) =>
      until(
        async () => {
          const web = await taskOf(id, "web");
          return web.attempt === n && web.state === "running";
        },
        `attempt ${n}`,
        WAIT_MS,
      );
    const isReady = (ready: boolean) =>
      until(async () => (await taskOf(id, "web")).service?.ready === ready, `ready: ${ready}`, WAIT_MS);
    await attempt(1);
    await inside(id, "web", "touch up");
    await isReady(true);
    await inside(id, "web", "touch sick");
    await attempt(2);
    expect(await taskOf(id, "web")).toMatchObject({ failures: 0, service: { restarts: 1, ready: false } });
    const { executions } = await weftJson<{ executions: { attempt: number; reason: string; message: string }[] }>(
      server.grpc,
      ["lineage", id],
    );
    expect(executions.find((each) => each.attempt === 1)).toMatchObject({
      reason: "unhealthy",
      message: expect.stringMatching(/^its liveness probe failed: 2 times in a row, GET \/alive on port \d+: 503/),
    });
    await inside(id, "web", "touch up");
    await isReady(true);
    await agent.kill();
    agent = await startAgent(server.grpc, join(bare.folder, "n1"), ["--name", "n1", "--cpus", "8"]);
    await inside(id, "web", "rm up");
    await isReady(false);
    // As kill -9 leaves it; another server takes over what is in Postgres.
    const { grpc, http } = server;
    await server.kill();
    const { databaseUrl, nats, folder } = bare;
    const [grpcPort, httpPort] = [grpc, http].map((address) => Number(address.split(":").at(-1))) as [number, number];
    server = await startServer({ home: join(folder, "home"), databaseUrl, natsUrl: nats.url, grpcPort, httpPort });
    expect(await taskOf(id, "web")).toMatchObject({ state: "running", service: { restarts: 1, ready: false } });
    await until(async () => (await inside(id, "web", "touch up")).exitCode === 0, "sessions again", WAIT_MS);
    await isReady(true);
    await weft(server.grpc, ["cancel", id]);
    expect((await weft(server.grpc, ["job", id, "--watch"])).exitCode).toBe(1);
  },
);

test(
  "a service's port can be forwarded by its name; when its time is over it has served, and what it made is kept",
  { timeout: LIMIT_MS },
  async () => {
    const port = await freePort();
    const id = await submitted(
      "limited",
      `  web:
    run: touch up; echo kept > notes/a.txt; exec node serve.mjs
    resources: { cpus: 0.1 }
    timeout: 12s
    service: { port: ${port}, readiness: { http: /, period: 100ms } }
    outputs: { notes: notes/, never: never.txt }
    keepOutputs: always
`,
    );
    const forward = startWeft(server.grpc, ["forward", id, "web", "-l", "0"]);
    const match = await until(() => /^forwarding 127\.0\.0\.1:(\d+)/.exec(forward.stdout()), "the listener", WAIT_MS);
    await until(
      async () => (await (await fetch(`http://127.0.0.1:${match[1]}/`)).text()) === "served by 1",
      "its answer",
      WAIT_MS,
    );
    expect(await forward.done).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/web has ended \(succeeded\)/),
    });
    const job = await weft(server.grpc, ["job", id, "--watch"]);
    expect(job.exitCode, job.stdout.toString()).toBe(0);
    const to = join(bare.folder, "notes");
    expect((await weft(server.grpc, ["get", id, "web", "notes", "-o", to])).exitCode).toBe(0);
    expect(readFileSync(join(to, "a.txt"), "utf8")).toBe("kept\n");
    expect(existsSync(join(to, "never.txt"))).toBe(false);
  },
);

test("outputs of a task that fails are kept where it asks for that", { timeout: LIMIT_MS }, async () => {
  const id = await submitted(
    "failing",
    `  bad: { run: "echo half > half.txt; exit 3", outputs: { half: half.txt, other: other.txt }, keepOutputs: always }
  plain: { run: "echo half > half.txt; exit 3", outputs: { half: half.txt } }
`,
  );
  expect((await weft(server.grpc, ["job", id, "--watch"])).exitCode).toBe(1);
  expect((await weft(server.grpc, ["get", id, "bad", "half", "-o", "-"])).stdout.toString()).toBe("half\n");
  expect((await weft(server.grpc, ["get", id, "plain", "half", "-o", "-"])).stderr).toMatch(/plain is failed/);
});
