import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { Pool } from "pg";
import { inject } from "vitest";
import { recordRoutes } from "../../cli/server/records.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { openDatabase } from "../../lib/db.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { type FolderArtifactStore, openArtifactStore } from "../../services/artifacts/index.ts";
import { createDatabase } from "./database.ts";

/** Artifacts, data sets and lineage over HTTP, with a database and a store of their own. */
export interface TestRecords {
  readonly pool: Pool;
  readonly store: FolderArtifactStore;
  readonly url: string;
  readonly put: (text: string) => Promise<Digest>;
  readonly close: () => Promise<void>;
}

export async function startRecords(): Promise<TestRecords> {
  const database = await createDatabase();
  const db = openDatabase(database.url);
  const { pool } = db;
  const store = await openArtifactStore(mkdtempSync(join(inject("folder"), "store-")));
  const app = createHttpApp({ logger: silentLog() });
  await app.register(recordRoutes({ pool, artifacts: store, lineageNamespace: "weft", tellLeader: () => {} }));
  return {
    pool,
    store,
    url: `http://127.0.0.1:${await listenHttp(app, { host: "127.0.0.1", port: 0 })}`,
    put: async (text) =>
      (await store.putStream(null, Readable.from([Buffer.from(text)], { objectMode: false }))).digest,
    close: async () => {
      await closeHttp(app, 0);
      await db.close();
      await database.drop();
    },
  };
}
