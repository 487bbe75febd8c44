import { chmodSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { postgresAccount } from "../../cli/local/account.ts";
import { ensureDatabase, initCluster, startCluster } from "../../cli/local/cluster.ts";
import type { Cluster } from "../../cli/local/cluster.ts";
import { startGuarded } from "../../cli/local/guard.ts";
import { natsBinary } from "../../cli/local/nats-binary.ts";
import { postgresBinaries } from "../../cli/local/postgres-binaries.ts";
import { migrateTemplate, TEMPLATE } from "./template.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Superuser's connection string of the run's own Postgres, to the database `postgres`. */
    readonly postgresAdmin: string;
    /** The database every test's own one is copied from. */
    readonly postgresTemplate: string;
    /** nats-server's path. */
    readonly natsBinary: string;
    /** Temporary folder of the run. It is deleted when the run is over, however it ends. */
    readonly folder: string;
  }
}

/** Where the run is killed, this waits for the servers in the folder to have ended before it deletes it. */
const JANITOR_GRACE_SECONDS = 1;

/** One Postgres for the whole run, started before the first test and gone after the last, also when the run is killed. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  const janitor = await startGuarded("sleep", ["2147483647"], {
    stopSignal: "TERM",
    graceSeconds: JANITOR_GRACE_SECONDS,
    logFile: "/dev/null",
    removeAfter: folder,
  });
  try {
    project.provide("folder", folder);
    project.provide("natsBinary", (await natsBinary({ say })).path);
    const postgres = await startPostgres(folder);
    try {
      await ensureDatabase(postgres, TEMPLATE);
      await migrateTemplate(postgres.url(TEMPLATE));
    } catch (error) {
      await postgres.stop();
      throw error;
    }
    project.provide("postgresAdmin", postgres.url("postgres"));
    project.provide("postgresTemplate", TEMPLATE);
    return async () => {
      await postgres.stop();
      await janitor.stop();
    };
  } catch (error) {
    await janitor.stop();
    throw error;
  }
}

function say(line: string): void {
  console.error(line);
}

async function startPostgres(folder: string): Promise<Cluster> {
  const [binaries] = postgresBinaries();
  if (binaries === undefined)
    throw new Error("no Postgres to test with: install postgresql, or npm ci without --omit=optional");
  const account = postgresAccount(say);
  const base = join(folder, "postgres");
  mkdirSync(base, { mode: 0o755 });
  // Whoever runs Postgres must pass through the run's folder.
  chmodSync(folder, 0o711);
  const options = {
    base,
    binaries,
    account,
    logFile: join(base, "postgres.log"),
    // A test kills processes, never the power: what was written to the system's cache survives that.
    settings: ["fsync=off", "full_page_writes=off", "autovacuum_naptime=10min"],
  };
  await initCluster(options);
  return startCluster(options);
}
