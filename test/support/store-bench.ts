import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { FastifyInstance } from "fastify";
import { createArtifactClient, putTree, type ArtifactClient } from "../../lib/artifacts.ts";
import type { AssignedInput, Assignment, EndedReport } from "../../lib/core/dispatch.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";
import { closeHttp, createHttpApp, listenHttp } from "../../lib/http.ts";
import { silentLog } from "../../lib/log.ts";
import { packFolder } from "../../lib/tree.ts";
import { artifactRoutes, type FolderArtifactStore, openArtifactStore } from "../../services/artifacts/index.ts";
import type { WorkerOptions } from "../../worker/index.ts";
import { assignment, keyOf, WorkerBench } from "./worker.ts";

/** An artifact store that can go away and come back, and workers that use it; all of it goes with `close`. */
export class StoreBench {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "weft-data-")));
  readonly client: ArtifactClient;
  /** `METHOD /path` of each since the last `up` or `forgetRequests`. */
  requests: string[] = [];
  readonly cleanups: (() => unknown)[] = [];
  #store: FolderArtifactStore | undefined;
  #app: FastifyInstance | undefined;
  #port = 0;

  constructor() {
    this.client = createArtifactClient({ baseUrl: () => `http://127.0.0.1:${this.#port}`, retryMs: 300 });
    this.cleanups.push(() => rm(this.folder, { recursive: true, force: true }));
    this.cleanups.push(() => this.client.close());
  }

  static async open(): Promise<StoreBench> {
    const bench = new StoreBench();
    bench.#store = await openArtifactStore(join(bench.folder, "store"));
    await bench.up();
    return bench;
  }

  get store(): FolderArtifactStore {
    return this.#store!;
  }

  /** On the port it had before. */
  async up(): Promise<void> {
    this.requests = [];
    const app = createHttpApp({ logger: silentLog() });
    app.addHook("onRequest", async (request) => void this.requests.push(`${request.method} ${request.url}`));
    await app.register(artifactRoutes(this.store));
    this.#port = await listenHttp(app, { host: "127.0.0.1", port: this.#port });
    this.#app = app;
  }

  async down(): Promise<void> {
    if (this.#app) await closeHttp(this.#app, 0);
    this.#app = undefined;
  }

  async close(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).toReversed()) await cleanup();
    await this.down();
  }

  async worker(options: Partial<WorkerOptions> = {}): Promise<WorkerBench> {
    const bench = await WorkerBench.open({ artifacts: this.client, ...options });
    this.cleanups.push(() => bench.close());
    await bench.worker.recover([], []);
    return bench;
  }

  /** Stores a folder with these files; a path that ends with "*" is executable. */
  async submit(files: Record<string, string>): Promise<Digest> {
    const root = mkdtempSync(join(this.folder, "code-"));
    for (const [name, content] of Object.entries(files)) {
      const path = join(root, name.replace(/\*$/, ""));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      if (name.endsWith("*")) await chmod(path, 0o755);
    }
    const packed = await packFolder(root, ["."]);
    await putTree(this.client, packed, root);
    return packed.digest;
  }

  async fileInput(name: string, content: string, parts: Partial<AssignedInput> = {}): Promise<AssignedInput> {
    const digest = digestBytes(content);
    await this.client.putBytes(digest, content);
    return { name, digest, kind: "file", bytes: content.length, index: null, fileName: "data.txt", ...parts };
  }

  async stored(digest: Digest): Promise<string> {
    return text(await this.store.open(digest));
  }
}

/** Runs a script to its end, and gives the report and what it printed. */
export async function run(
  bench: WorkerBench,
  script: string,
  parts: Partial<Assignment> = {},
): Promise<[EndedReport, string]> {
  const made = assignment(script, parts);
  bench.worker.start(made);
  const ended = await bench.ended(keyOf(made));
  const stdout = join(bench.dir, "attempts", keyOf(made), "stdout");
  return [ended, existsSync(stdout) ? readFileSync(stdout, "utf8") : ""];
}
