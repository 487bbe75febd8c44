import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { MLFLOW_CLIENTS, type MlflowVersion, runMlflowClient } from "../support/mlflow-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Fetching a client with all frameworks, and their slow starts. */
const LIMIT_MS = 3_600_000;

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
  "frameworks log to an unmodified client of MLflow %s as their users do",
  { timeout: LIMIT_MS },
  async (version) => {
    const script = join(import.meta.dirname, "mlflow_frameworks.py");
    const said = await runMlflowClient(version, script, `http://127.0.0.1:${server.httpPort}`, { whole: true });
    expect(said, "there is no python3 with an index that answers").toMatch(/\nRan 13 tests [^]*\nOK\n/);
  },
);
