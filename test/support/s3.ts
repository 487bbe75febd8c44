import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { inject } from "vitest";
import { type Guarded, startGuarded } from "../../cli/local/guard.ts";
import { freePort } from "../../cli/local/port.ts";
import { until } from "./wait.ts";

/** A real S3 server with the file system behind it (Apache-2.0); built once a machine from the Go module proxy. */
const VERSITYGW = "1.8.0";
/** It compiles for a minute on two busy cores. */
export const S3_BUILD_MS = 600_000;

/** Why S3 cannot be tested on this machine; undefined: it can. On CI it must be. */
export const noS3 = ((): string | undefined => {
  if (existsSync(cached()) || spawnSync("go", ["version"]).status === 0) return undefined;
  const message = `no Go here to build versitygw ${VERSITYGW} with (https://go.dev/dl), so that the S3 store is not tested`;
  if (process.env["CI"]) throw new Error(message);
  console.error(message);
  return message;
})();

function cached(): string {
  const cache = process.env["XDG_CACHE_HOME"] || join(process.env["HOME"] || homedir(), ".cache");
  return join(cache, "weft", "bin", `versitygw-${VERSITYGW}`);
}

/** Path of versitygw, built where it has not been. */
function versitygw(): string {
  const path = cached();
  if (existsSync(path)) return path;
  mkdirSync(join(path, ".."), { recursive: true });
  const folder = mkdtempSync(join(path, "..", ".build-"));
  try {
    execFileSync("go", ["install", `github.com/versity/versitygw/cmd/versitygw@v${VERSITYGW}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "-modcacherw", CGO_ENABLED: "0" },
      stdio: ["ignore", "ignore", "inherit"],
      timeout: S3_BUILD_MS,
    });
    renameSync(join(folder, "versitygw"), path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return path;
}

export interface TestS3 {
  readonly endpoint: string;
  readonly bucket: string;
  /** Where the objects lie as files, by key. */
  readonly folder: string;
  /** The variables that a client of it is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly kill: () => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** An own S3 server on a free port, with one empty bucket. */
export async function startS3(): Promise<TestS3> {
  const binary = versitygw();
  const own = join(inject("folder"), `s3-${process.pid}-${randomBytes(4).toString("hex")}`);
  const [data, sidecar] = [join(own, "data"), join(own, "meta")];
  mkdirSync(data, { recursive: true });
  mkdirSync(sidecar);
  const port = await freePort();
  const env = {
    AWS_ACCESS_KEY_ID: "weft",
    AWS_SECRET_ACCESS_KEY: randomBytes(8).toString("hex"),
    AWS_REGION: "us-east-1",
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
  };
  const launch = (): Promise<Guarded> =>
    startGuarded(binary, ["--port", `127.0.0.1:${port}`, "posix", "--sidecar", sidecar, "--disableotmp", data], {
      stopSignal: "TERM",
      graceSeconds: 2,
      logFile: join(own, "log"),
      env: { ...process.env, ROOT_ACCESS_KEY: env.AWS_ACCESS_KEY_ID, ROOT_SECRET_KEY: env.AWS_SECRET_ACCESS_KEY },
    });
  let server = await launch();
  const client = new S3Client({
    endpoint: env.AWS_ENDPOINT_URL_S3,
    region: env.AWS_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
  });
  const bucket = "weft-test";
  await until(() => client.send(new CreateBucketCommand({ Bucket: bucket })), "the S3 server takes a bucket", 30_000);
  client.destroy();
  return {
    endpoint: env.AWS_ENDPOINT_URL_S3,
    bucket,
    folder: join(data, bucket),
    env,
    kill: async () => {
      process.kill(server.pid, "SIGKILL");
      await server.ended;
    },
    restart: async () => {
      await server.stop();
      server = await launch();
    },
    stop: async () => {
      await server.stop();
      rmSync(own, { recursive: true, force: true });
    },
  };
}
