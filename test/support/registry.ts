import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, afterEach, beforeAll, beforeEach, inject } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { type Database, openDatabase } from "../../lib/db.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { connectNats } from "../../lib/nats.ts";
import { Bus } from "../../scheduler/bus.ts";
import { type FolderArtifactStore, openArtifactStore } from "../../services/artifacts/index.ts";
import { evaluationRoutes, openRegistry, type OpenRegistry } from "../../services/registry/index.ts";
import { mlflowApi } from "../../services/tracking/index.ts";
import { createDatabase } from "./database.ts";
import { startNats, type TestNats } from "./nats.ts";

export interface Answer {
  readonly status: number;
  readonly body: Record<string, any>;
}

const MLMODEL = `
flavors:
  python_function: {loader_module: mlflow.sklearn}
  sklearn: {}
saved_input_example_info: {artifact_path: input_example.json}
signature:
  inputs: '[{"type": "double", "name": "x"}]'
  outputs: '[{"type": "long"}]'
  params: null
`;

/** At the top of a test file: a NATS for all its tests, and a registry for each, closed after it. */
export function registryForEach(opened: (registry: TestRegistry) => void): void {
  let nats: TestNats;
  let connection: NatsConnection;
  let registry: TestRegistry | undefined;
  beforeAll(async () => {
    nats = await startNats();
    connection = await connectNats({ url: nats.url, name: "test" });
    await Bus.open(connection, silentLog());
  });
  afterAll(async () => {
    await connection?.close();
    await nats?.stop();
  });
  beforeEach(async () => {
    registry = await TestRegistry.open(connection);
    opened(registry);
  });
  afterEach(async () => {
    await registry?.close();
    registry = undefined;
  });
}

/** The registry with a database and a store of its own, and its routes on a port of its own. */
export class TestRegistry {
  readonly nats: NatsConnection;
  readonly db: Database;
  readonly store: FolderArtifactStore;
  readonly registry: OpenRegistry;
  readonly url: string;
  readonly close: () => Promise<void>;

  private constructor(made: Pick<TestRegistry, "nats" | "db" | "store" | "registry" | "url" | "close">) {
    this.nats = made.nats;
    this.db = made.db;
    this.store = made.store;
    this.registry = made.registry;
    this.url = made.url;
    this.close = made.close;
  }

  static async open(nats: NatsConnection): Promise<TestRegistry> {
    const database = await createDatabase();
    const db = openDatabase(database.url);
    const { pool } = db;
    const store = await openArtifactStore(mkdtempSync(join(inject("folder"), "store-")));
    const log = silentLog();
    let ids = 0;
    const newId = (): string => `${process.pid}-${(ids += 1)}-${performance.now()}`;
    // Chance is what makes retries wait longer: none of it here.
    const registry = openRegistry({ pool, artifacts: store, nats, now: Date.now, newId, random: () => 0, log });
    const app = createHttpApp({ logger: log });
    await app.register(mlflowApi(registry.routes));
    await app.register(evaluationRoutes(registry));
    const url = `http://127.0.0.1:${await listenHttp(app, { host: "127.0.0.1", port: 0 })}`;
    const close = async (): Promise<void> => {
      await closeHttp(app, 0);
      await registry.stop();
      await db.close();
      await database.drop();
    };
    return new TestRegistry({ nats, db, store, registry, url, close });
  }

  /** A route of MLflow's. */
  async call(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.url}/api/2.0/mlflow/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, any> };
  }

  post(path: string, body: object): Promise<Answer> {
    return this.call("POST", path, body);
  }

  put(text: string): Promise<{ digest: Digest; bytes: number }> {
    return this.store.putStream(null, Readable.from([Buffer.from(text)], { objectMode: false }));
  }

  /** A file behind the artifact proxy. */
  async track(path: string, text: string): Promise<void> {
    const { digest, bytes } = await this.put(text);
    await this.db.pool.query(
      `insert into tracked_files (path, digest, bytes, updated_ms) values ($1, $2, $3, 0)
       on conflict (path) do update set digest = excluded.digest, bytes = excluded.bytes`,
      [path, digest, bytes],
    );
  }

  /** A run whose model lies in the store, at runs:/<id>/model. */
  async trackedRun(id: string): Promise<void> {
    await this.db.pool.query(
      `insert into runs (id, experiment, name, user_id, status, start_ms, artifact_uri)
       values ($1, 1, 'run', 'u', 'FINISHED', 0, $2)`,
      [id, `mlflow-artifacts:/1/${id}/artifacts`],
    );
    const folder = `1/${id}/artifacts/model`;
    await this.track(`${folder}/MLmodel`, MLMODEL);
    await this.track(`${folder}/requirements.txt`, "scikit-learn==1.9.1\n");
    await this.track(`${folder}/input_example.json`, `{"x": 1}`);
    await this.track(`${folder}/model.pkl`, `weights of ${id}`);
  }

  async modelOf(name: string, versions: number): Promise<void> {
    await this.post("registered-models/create", { name });
    for (let i = 0; i < versions; i += 1)
      await this.post("model-versions/create", { name, source: "runs:/some_run/model", run_id: "some_run" });
  }

  promote(name: string, version: number, more: { expect?: number | null; reason?: string } = {}) {
    const asked = { name, version: String(version), alias: "production", reason: "", note: "", ...more };
    return this.registry.promotion.promote(asked, "tester");
  }

  async rowOf(name: string, version: number): Promise<Record<string, any>> {
    const { rows } = await this.db.pool.query(
      "select v.* from model_versions v join registered_models m on m.id = v.model where m.name = $1 and version = $2",
      [name, version],
    );
    return rows[0];
  }
}
