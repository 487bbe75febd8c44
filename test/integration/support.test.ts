import pg from "pg";
import { connect } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDatabase } from "../support/database.ts";
import { startNats } from "../support/nats.ts";
import type { TestNats } from "../support/nats.ts";

let nats: TestNats;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(() => nats.stop());

test("each test has a database of its own", async () => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()]);
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  await client.query("create table only_here (n int)");
  const other = new pg.Client({ connectionString: two.url });
  await other.connect();
  await expect(other.query("select * from only_here")).rejects.toThrow(/does not exist/);
  await client.end();
  await other.end();
  await one.drop();
  await two.drop();
});

test("a killed nats-server comes back on the same port", async () => {
  const connection = await connect({ servers: nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const back = (async () => {
    for await (const { type } of connection.status()) if (type === "reconnect") return;
  })();
  await nats.kill();
  await nats.restart();
  await back;
  await connection.flush();
  await connection.close();
});
