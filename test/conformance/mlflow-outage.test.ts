import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { runMlflowClient } from "../support/mlflow-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

/** Longer than the server holds a request by itself: the client's own retries carry the rest. */
const AWAY_SECONDS = 11.5;
const LIMIT_MS = 600_000;

let database: TestDatabase;
let nats: TestNats;
let proxy: TcpProxy;
let server: TestServer;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  const url = new URL(database.url);
  proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  server = await startTestServer({ databaseUrl: url.href, natsUrl: nats.url });
});
afterAll(async () => {
  proxy?.mend();
  await server?.stop();
  await proxy?.close();
  await nats?.stop();
  await database?.drop();
});

test(
  "a script logs through an outage of Postgres: nothing is lost, and no error reaches it",
  { timeout: LIMIT_MS },
  async ({ skip }) => {
    let outage: Promise<void> | undefined;
    const onSaid = (text: string): void => {
      if (!text.includes("logging")) return;
      outage = (async () => {
        proxy.cut();
        await delay(AWAY_SECONDS * 1_000);
        proxy.mend();
      })();
    };
    const script = join(import.meta.dirname, "mlflow_outage.py");
    const env = { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "7", OUTAGE_SECONDS: String(AWAY_SECONDS) };
    const said = await runMlflowClient("3.17.2", script, `http://127.0.0.1:${server.httpPort}`, { env, onSaid });
    await outage;
    if (said === undefined) return skip("there is no python3 with an index that answers");
    expect(outage).toBeDefined();
    expect(said).toMatch(/Ran 1 test[^]*\nOK\n/);
  },
);
