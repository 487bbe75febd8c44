import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { jetstream } from "@nats-io/jetstream";
import { afterEach, expect, test } from "vitest";
import { registryForEach, type TestRegistry } from "../support/registry.ts";
import { until } from "../support/wait.ts";

let at: TestRegistry;
const cleanups: (() => unknown)[] = [];

registryForEach((registry) => (at = registry));
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

test("each change is published once, in order, and one that failed is not", async () => {
  const messages = await jetstream(at.nats).consumers.get("WEFT_EVENT", {
    filter_subjects: "weft.event.registry.>",
    deliver_policy: "new",
  });
  const heard: { subject: string; body: Record<string, any> }[] = [];
  const stream = await messages.consume({
    callback: (message) => void heard.push({ subject: message.subject, body: message.json() }),
  });
  cleanups.push(() => stream.close());
  await at.modelOf("fraud.eu", 1);
  await expect(at.promote("fraud.eu", 7)).rejects.toMatchObject({ code: "not_found" });
  await at.promote("fraud.eu", 1);
  await until(() => heard.length >= 3, "three events");
  expect(heard.map(({ subject }) => subject)).toEqual([
    "weft.event.registry.registered_model.created.fraud_eu",
    "weft.event.registry.model_version.created.fraud_eu",
    "weft.event.registry.model_version_alias.created.fraud_eu",
  ]);
  expect(heard[2]!.body).toMatchObject({
    model: "fraud.eu",
    by: "tester",
    data: { name: "fraud.eu", alias: "production", version: "1" },
    more: { from: null, kind: "set" },
  });
  await until(async () => {
    const { rowCount } = await at.db.pool.query("select from registry_events where published_ms is null");
    return rowCount === 0;
  }, "all to be written down as published");
  expect(heard).toHaveLength(3);
});

test("what is too large for NATS is told in brief, and what comes after it is told, too", async () => {
  const messages = await jetstream(at.nats).consumers.get("WEFT_EVENT", {
    filter_subjects: "weft.event.registry.registered_model.created.>",
    deliver_policy: "new",
  });
  const heard: Record<string, any>[] = [];
  const stream = await messages.consume({ callback: (message) => void heard.push(message.json()) });
  cleanups.push(() => stream.close());
  const value = "x".repeat(100_000);
  const many = Math.ceil(at.nats.info!.max_payload / value.length) + 1;
  const tags = Array.from({ length: many }, (_, i) => ({ key: `tag${i}`, value }));
  expect((await at.post("registered-models/create", { name: "large", tags })).status).toBe(200);
  await at.post("registered-models/create", { name: "small" });
  await until(() => heard.length >= 2, "both events");
  expect(heard).toMatchObject([
    { model: "large", cut: true, data: { name: "large" } },
    { model: "small", data: { name: "small", tags: {} } },
  ]);
});

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver(statuses: number[]): Promise<{ url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (part: string) => (body += part));
    request.on("end", () => {
      heard.push({ headers: request.headers, body });
      response.writeHead(statuses.shift() ?? 200).end("thanks");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, heard };
}

test("a webhook is told signed, again when it was not taken, and only of what it asked for", async () => {
  const { url, heard } = await receiver([503]);
  const { body } = await at.post("webhooks", {
    name: "hook",
    url,
    secret: "s3cret",
    events: [{ entity: "MODEL_VERSION_ALIAS", action: "CREATED" }],
  });
  expect(body["webhook"]).not.toHaveProperty("secret");
  await at.modelOf("fraud", 1);
  await at.promote("fraud", 1);
  await until(() => heard.length === 2, "the second try");
  const [first, second] = heard as [Heard, Heard];
  expect(second.headers["x-mlflow-delivery-id"]).toBe(first.headers["x-mlflow-delivery-id"]);
  const header = (name: string): string => String(second.headers[name]);
  const signed = `${header("x-mlflow-delivery-id")}.${header("x-mlflow-timestamp")}.${second.body}`;
  const signature = createHmac("sha256", "s3cret").update(signed).digest("base64");
  expect(second.headers["x-mlflow-signature"]).toBe(`v1,${signature}`);
  expect(JSON.parse(second.body)).toMatchObject({
    entity: "model_version_alias",
    action: "created",
    data: { name: "fraud", alias: "production", version: "1" },
  });
  await until(async () => {
    const { rows } = await at.db.pool.query("select state, attempts from webhook_deliveries");
    return rows.length === 1 && rows[0].state === "sent" && rows[0].attempts === 2;
  }, "the delivery to be written down");
});

test("a webhook can be tried out, disabled and deleted", async () => {
  const { url, heard } = await receiver([200, 404]);
  const events = [{ entity: "REGISTERED_MODEL", action: "CREATED" }];
  const { body } = await at.post("webhooks", { name: "hook", url, events });
  const id = body["webhook"].webhook_id as string;
  const tried = await at.post(`webhooks/${id}/test`, {});
  expect(tried.body["result"]).toEqual({ success: true, response_status: 200, response_body: "thanks" });
  expect((await at.post(`webhooks/${id}/test`, {})).body["result"]).toMatchObject({
    success: false,
    response_status: 404,
  });
  const changed = await at.call("PATCH", `webhooks/${id}`, { status: "DISABLED" });
  expect(changed.body["webhook"]).toMatchObject({ status: "DISABLED", name: "hook", events });
  await at.modelOf("fraud", 0);
  expect((await at.db.pool.query("select from webhook_deliveries")).rowCount).toBe(0);
  expect(heard).toHaveLength(2);
  expect((await at.call("DELETE", `webhooks/${id}`)).status).toBe(200);
  expect(await at.call("GET", `webhooks/${id}`)).toMatchObject({ status: 404 });
  const unknown = await at.post("webhooks", {
    name: "x",
    url,
    events: [{ entity: "BUDGET_POLICY", action: "EXCEEDED" }],
  });
  expect(unknown).toMatchObject({ status: 400, body: { error_code: "INVALID_PARAMETER_VALUE" } });
});
