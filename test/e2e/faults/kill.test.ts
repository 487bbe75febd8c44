import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWeft, submit } from "../../support/command.ts";
import { Ledger } from "../../support/ledger.ts";
import { ownFolder, type PartName, startUp, sweep, type UpPart } from "../../support/parts.ts";
import { until } from "../../support/wait.ts";

/** A job of a quarter of a minute, what the fault costs, and other tests beside it. */
const JOB_LIMIT_MS = 120_000;

const PARTS: readonly PartName[] = ["server", "agent", "NATS", "Postgres"];

/** The whole cluster of one machine: `weft up` starts what dies again. */
describe("kill -9 in the middle of a job", () => {
  let folder: string;
  let up: UpPart;
  let jobs = 0;

  beforeAll(async () => {
    folder = ownFolder("kill");
    up = await startUp(join(folder, "home"), ["--cpus", "4"]);
  }, JOB_LIMIT_MS);
  afterAll(async () => {
    await up?.stop();
    await sweep(join(folder, "home/agent"));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }, JOB_LIMIT_MS);

  /** Runs a job, with somebody who follows its end and somebody who follows its log, through what `during` does to it. */
  async function through(during: (ledger: Ledger) => Promise<void>): Promise<void> {
    const ledger = Ledger.make(join(folder, `job-${(jobs += 1)}`));
    const jobId = await submit(up.grpc, ledger.file);
    const watched = startWeft(up.grpc, ["job", jobId, "--watch"]);
    const followed = startWeft(up.grpc, ["logs", jobId, "-f"]);
    try {
      // A client that has not heard a word yet takes a silent server for a wrong address.
      await until(() => watched.stdout() !== "" && followed.stdout() !== "", "both to have heard something", 60_000);
      await during(ledger);
      const end = await watched.done;
      expect(end.exitCode, end.stderr).toBe(0);
      await ledger.check(up.grpc, jobId);
      await Ledger.nothingBegunTwice(up.grpc, jobId);
      const log = await followed.done;
      expect(log.exitCode, log.stderr).toBe(0);
      ledger.checkLog(log.stdout.toString("utf8"));
    } finally {
      watched.child.kill("SIGKILL");
      followed.child.kill("SIGKILL");
    }
  }

  test.each(PARTS)("of %s: the job ends, no task runs twice, no line is missing", { timeout: JOB_LIMIT_MS }, (name) =>
    through(async (ledger) => {
      await ledger.reached(8);
      await up.killPart(name);
    }),
  );

  test("of all four, one after the other: the same holds", { timeout: JOB_LIMIT_MS }, () =>
    through(async (ledger) => {
      for (const [turn, name] of PARTS.entries()) {
        await ledger.reached(5 * (turn + 1));
        await up.killPart(name);
      }
    }),
  );
});
