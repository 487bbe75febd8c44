import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { isRunning, type ProcessId } from "../../cli/local/process-id.ts";
import { until } from "../support/wait.ts";

/** The built program, with Postgres and NATS of its own: what is killed here must be processes of their own. */
const MAIN = join(import.meta.dirname, "../../dist/cli/main.js");

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(inject("folder"), "home-"));
  chmodSync(home, 0o755);
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

const gone = (id: ProcessId): Promise<unknown> => until(() => !isRunning(id), `the end of process ${id.pid}`);

describe("weft up", () => {
  let child: ChildProcess | undefined;
  let output: string;
  const start = (...flags: string[]): ChildProcess => {
    output = "";
    const started = spawn(
      process.execPath,
      [MAIN, "up", "--home", home, "--http-port", "0", "--grpc-port", "0", "--no-example", ...flags],
      {
        env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NATS_SERVER_BIN: inject("natsBinary") },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    for (const stream of [started.stdout, started.stderr])
      stream.on("data", (text: Buffer) => (output += text.toString()));
    return started;
  };
  const ready = async (): Promise<void> => {
    try {
      await until(() => existsSync(join(home, "weft.json")), "weft.json", 50_000);
    } catch (error) {
      throw new Error(`weft up said:\n${output}`, { cause: error });
    }
  };
  const parts = (): Record<string, ProcessId> =>
    (JSON.parse(readFileSync(join(home, "weft.lock"), "utf8")) as { parts: Record<string, ProcessId> }).parts;
  const ended = async (one: ChildProcess): Promise<number | null> => {
    if (one.exitCode === null && one.signalCode === null) await once(one, "exit");
    return one.exitCode;
  };

  afterEach(async () => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await ended(child);
  });

  test("stops every process it started, in order, and takes weft.json away", { timeout: 60_000 }, async () => {
    child = start();
    await ready();
    const started = parts();
    expect(Object.keys(started)).toEqual(["Postgres", "NATS", "server", "agent"]);
    expect(Object.values(started).map(isRunning)).toEqual([true, true, true, true]);
    child.kill("SIGINT");
    expect(await ended(child)).toBe(0);
    for (const id of Object.values(started)) await gone(id);
    expect(existsSync(join(home, "weft.json"))).toBe(false);
    const order = [...output.matchAll(/^(\w+) stopped/gm)].map(([, name]) => name);
    expect(order).toEqual(["agent", "server", "NATS", "Postgres"]);
  });

  test(
    "killed with -9 takes its parts along, and the next start works and heals a killed part",
    { timeout: 120_000 },
    async () => {
      child = start();
      await ready();
      const left = parts();
      child.kill("SIGKILL");
      await ended(child);
      child = start();
      await until(() => output.includes("Weft is up"), "the second start", 60_000);
      for (const id of Object.values(left)) await gone(id);
      for (const [name, id] of Object.entries(parts())) {
        process.kill(id.pid, "SIGKILL");
        await until(() => output.includes(`${name} runs again`), `${name} to run again; it said: ${output}`, 30_000);
      }
      const { http } = JSON.parse(readFileSync(join(home, "weft.json"), "utf8")) as { http: string };
      await until(async () => (await fetch(`http://${http}/healthz`)).ok, "the cluster to be well", 30_000);
    },
  );

  test("says so when the port is taken, and leaves nothing", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    child = start("--http-port", String(port));
    expect(await ended(child)).toBe(2);
    await until(() => output.includes("--http-port 0"), "the remedy");
    expect(existsSync(join(home, "weft.lock"))).toBe(false);
    server.close();
  });

  test("a second one in the same home is refused with where the first is", { timeout: 60_000 }, async () => {
    child = start();
    await ready();
    const second = start();
    expect(await ended(second)).toBe(2);
    await until(() => output.includes("already running here"), "the reason");
  });
});
