import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { MLFLOW_CLIENTS, mlflowPython, type MlflowVersion } from "../support/mlflow-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";

/** Fetching two clients with scikit-learn, some 300 MB, on a machine that other tests keep busy; afterwards they are there. */
const INSTALL_LIMIT_MS = 600_000;
const run = promisify(execFile);

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

test.each(Object.keys(MLFLOW_CLIENTS) as MlflowVersion[])(
  "an unmodified client of MLflow %s does all that its users do with the registry",
  { timeout: INSTALL_LIMIT_MS },
  async (version) => {
    const python = await mlflowPython(version);
    if (python === undefined) return expect.soft(python, "no python3 with an index that answers").toBeUndefined();
    const env = {
      ...process.env,
      MLFLOW_TRACKING_URI: `http://127.0.0.1:${server.httpPort}`,
      MLFLOW_DISABLE_TELEMETRY: "true",
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0",
      PYTHONWARNINGS: "ignore",
      GIT_PYTHON_REFRESH: "quiet",
    };
    const { stderr } = await run(python, [join(import.meta.dirname, "mlflow_registry.py")], { env }).catch(
      (error: unknown) => {
        throw new Error((error as { stderr?: string }).stderr ?? String(error));
      },
    );
    expect(stderr).toMatch(/Ran 7 tests[^]*\nOK/);
  },
);
