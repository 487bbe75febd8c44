import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { startWeft, submit, weft } from "../../support/command.ts";
import { Ledger } from "../../support/ledger.ts";
import { allGone, ownFolder, type PartName, startUp, sweep } from "../../support/parts.ts";

const LIMIT_MS = 120_000;
const PARTS: readonly PartName[] = ["Postgres", "NATS", "server", "agent"];

let folder: string;
let home: string;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  folder = ownFolder("up");
  home = join(folder, "home");
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await sweep(join(home, "agent"));
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, LIMIT_MS);

test(
  "kill -9 of weft up in the middle of a job: nothing of it is left, the next start takes the job to its end",
  { timeout: LIMIT_MS },
  async () => {
    const first = await startUp(home, ["--cpus", "4"]);
    cleanups.push(() => first.stop());
    const ledger = Ledger.make(join(folder, "job"));
    const id = await submit(first.grpc, ledger.file);
    await ledger.reached(8);
    const left = PARTS.map((name) => first.part(name));
    await first.kill();
    const second = await startUp(home, ["--cpus", "4"]);
    cleanups.push(() => second.stop());
    await allGone(left);
    const end = await weft(second.grpc, ["job", id, "--watch"]);
    expect(end.exitCode, end.stdout.toString()).toBe(0);
    // What ran when all of it went down was stopped, and ran again; what had ended did not.
    await ledger.check(second.grpc, id);
  },
);

test(
  "a nats-server that is not there is said with the variable that names it, and nothing is left",
  { timeout: LIMIT_MS },
  async () => {
    const command = startWeft(
      "127.0.0.1:1",
      ["up", "--home", home, "--http-port", "0", "--grpc-port", "0"],
      undefined,
      {
        DATABASE_URL: inject("postgresAdmin"),
        NATS_URL: undefined,
        NATS_SERVER_BIN: "/nowhere/nats-server",
      },
    );
    const { exitCode, stderr } = await command.done;
    expect(exitCode, stderr).toBe(2);
    expect(stderr).toContain("NATS_SERVER_BIN: /nowhere/nats-server");
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(existsSync(join(home, "weft.lock"))).toBe(false);
    expect(existsSync(join(home, "weft.json"))).toBe(false);
  },
);
