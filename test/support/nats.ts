import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { inject } from "vitest";
import { launchNats } from "../../cli/local/nats-server.ts";
import type { NatsServer } from "../../cli/local/nats-server.ts";

export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly storeDir: string;
  /** Of the server that runs now. */
  readonly pid: () => number;
  /** Stops it in order and deletes its store, unless the caller brought the store. */
  readonly stop: () => Promise<void>;
  /** kill -9; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again on the same port and store, stopping it first if it runs. */
  readonly restart: () => Promise<void>;
}

/** An own nats-server with JetStream on a free port. */
export async function startNats(options: { storeDir?: string; port?: number } = {}): Promise<TestNats> {
  const own = join(inject("folder"), `nats-${process.pid}-${randomBytes(4).toString("hex")}`);
  mkdirSync(own);
  const storeDir = options.storeDir ?? join(own, "store");
  const launch = (port?: number): Promise<NatsServer> =>
    launchNats({
      binary: inject("natsBinary"),
      folder: own,
      storeDir,
      logFile: join(own, "nats.log"),
      open: true,
      ...(port === undefined ? {} : { port }),
    });
  let server = await launch(options.port);
  return {
    url: server.url,
    port: server.port,
    storeDir,
    pid: () => server.pid,
    stop: async () => {
      await server.stop();
      rmSync(own, { recursive: true, force: true });
    },
    kill: async () => {
      process.kill(server.pid, "SIGKILL");
      await server.ended;
    },
    restart: async () => {
      await server.stop();
      server = await launch(server.port);
    },
  };
}
