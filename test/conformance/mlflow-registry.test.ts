import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { MLFLOW_CLIENTS, type MlflowVersion, runMlflowClient } from "../support/mlflow-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Fetching two clients with scikit-learn, some 300 MB, on a machine that other tests keep busy; afterwards they are there. */
const INSTALL_LIMIT_MS = 600_000;

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

test.for(Object.keys(MLFLOW_CLIENTS) as MlflowVersion[])(
  "an unmodified client of MLflow %s does all that its users do with the registry",
  { timeout: INSTALL_LIMIT_MS },
  async (version, { skip }) => {
    const script = join(import.meta.dirname, "mlflow_registry.py");
    const said = await runMlflowClient(version, script, `http://127.0.0.1:${server.httpPort}`);
    if (said === undefined) return skip("there is no python3 with an index that answers");
    expect(said).toMatch(/Ran 7 tests[^]*\nOK/);
  },
);
