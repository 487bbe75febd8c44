import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { LINGER_SECONDS, startGuarded } from "./guard.ts";
import { logSize, logTail } from "./log-tail.ts";
import { freePort } from "./port.ts";

export interface NatsOptions {
  readonly binary: string;
  /** Gets nats.conf (0600: it holds the password) and keeps the password over starts. */
  readonly folder: string;
  readonly storeDir: string;
  readonly logFile: string;
  /** A port to have again; any free one without it. */
  readonly port?: number;
  /** Lets everybody on the machine in: for tests, which bring no secrets. */
  readonly open?: boolean;
}

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
}

const USER = "weft";
/** Streams with a lot of data are read through at the start after a kill. */
const READY_LIMIT_MS = 60_000;
/** Between two looks at a server that starts. A start takes some 50 ms. */
const READY_LOOK_MS = 10;
const STOP_GRACE_SECONDS = 10;
/** Repeats of a start whose port somebody took between our look and the bind. */
const START_TRIES = 5;
/** A published message is at most 8 MiB: an assignment with a large pipeline in it must fit. nats-server's default is 1 MiB. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

function password(folder: string): string {
  const path = join(folder, "password");
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString("hex"), { mode: 0o600 });
  return readFileSync(path, "utf8").trim();
}

function config(options: NatsOptions, port: number, secret: string | null): string {
  const text = (value: string): string => JSON.stringify(value);
  return `# Written at each start.
host: "127.0.0.1"
port: ${port}
max_payload: ${MAX_PAYLOAD_BYTES}
jetstream {
  store_dir: ${text(options.storeDir)}
}
${secret === null ? "" : `authorization { user: ${text(USER)}, password: ${text(secret)} }\n`}`;
}

/** Starts nats-server with JetStream on 127.0.0.1 and resolves when it greets with JetStream on. */
export async function launchNats(options: NatsOptions): Promise<NatsServer> {
  mkdirSync(options.folder, { recursive: true });
  mkdirSync(options.storeDir, { recursive: true });
  const secret = options.open === true ? null : password(options.folder);
  const configFile = join(options.folder, "nats.conf");
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await freePort());
    writeFileSync(configFile, config(options, port, secret), { mode: 0o600 });
    const from = logSize(options.logFile);
    const server = await startGuarded(options.binary, ["-c", configFile], {
      stopSignal: "TERM",
      graceSeconds: STOP_GRACE_SECONDS,
      lingerSeconds: LINGER_SECONDS,
      logFile: options.logFile,
      cwd: options.folder,
    });
    const problem = await untilReady(port, server);
    if (problem === null) {
      const url = `nats://${secret === null ? "" : `${USER}:${secret}@`}127.0.0.1:${port}`;
      return { url, port, pid: server.pid, ended: server.ended, stop: server.stop };
    }
    await server.stop();
    const said = logTail(options.logFile, from);
    if (!/address already in use/.test(said) || attempt === START_TRIES) {
      throw new WeftError("internal", `nats-server (${options.binary}) did not start: ${problem}. It said:\n${said}`);
    }
  }
}

async function untilReady(
  port: number,
  server: { isOver: () => boolean; ended: Promise<string> },
): Promise<string | null> {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const greeting = await greetingOf(port);
    if (server.isOver()) return `it ended with ${await server.ended}`;
    if (greeting?.includes('"jetstream":true') === true) return null;
    if (performance.now() > deadline) return `it did not greet with JetStream on within ${READY_LIMIT_MS / 1000} s`;
    await new Promise((resolve) => setTimeout(resolve, READY_LOOK_MS));
  }
}

/** The INFO line a nats-server sends whoever connects; null when nobody is there. */
function greetingOf(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ host: "127.0.0.1", port, timeout: 1_000 });
    const done = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\r\n")) done(text);
    });
    socket
      .once("error", () => done(null))
      .once("timeout", () => done(null))
      .once("close", () => done(null));
  });
}
