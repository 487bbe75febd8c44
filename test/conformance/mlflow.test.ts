import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { MLFLOW_CLIENTS, type MlflowVersion, runMlflowClient } from "../support/mlflow-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Fetching two clients with scikit-learn, some 300 MB, on a machine that other tests keep busy; afterwards they are there. */
const INSTALL_LIMIT_MS = 600_000;

/** What clients do, and how many tests of it each must have run. */
const SCRIPTS = [
  { what: "tracks runs", file: "mlflow_client.py", tests: 12 },
  { what: "uses the registry", file: "mlflow_registry.py", tests: 7 },
  { what: "evaluates what generates", file: "mlflow_genai.py", tests: 5, since: "3" },
] as const;
const cases = (Object.keys(MLFLOW_CLIENTS) as MlflowVersion[]).flatMap((version) =>
  SCRIPTS.filter((script) => !("since" in script) || version >= script.since).map((script) => ({ version, ...script })),
);

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
});
afterAll(async () => {
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

test.for(cases)(
  "an unmodified client of MLflow $version $what as its users do",
  { timeout: INSTALL_LIMIT_MS },
  async ({ version, file, tests }, { skip }) => {
    const url = `http://127.0.0.1:${server.httpPort}`;
    const said = await runMlflowClient(version, join(import.meta.dirname, file), url);
    if (said === undefined) return skip("there is no python3 with an index that answers");
    expect(said).toContain(`Ran ${tests} tests`);
    // One is skipped where the client is older than what it uses.
    expect(said).toMatch(/\nOK(?: \(skipped=1\))?\n/);
  },
);
