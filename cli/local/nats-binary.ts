import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { describeError, WeftError } from "../../lib/core/error.ts";
import { fetchInto, SOURCES } from "./nats-download.ts";
import type { Source } from "./nats-download.ts";
import { NATS_VERSION, OLDEST_NATS } from "./nats-pins.ts";

export interface NatsBinary {
  readonly path: string;
  readonly version: string;
}

export interface NatsSearch {
  readonly say: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  /** Folder for a fetched one where the user's cache cannot be written. */
  readonly fallbackCache?: string;
  readonly sources?: readonly Source[];
}

/** The version a nats-server says it has, e.g. "2.15.1"; null when it does not run. */
export function versionOf(path: string): string | null {
  try {
    const text = execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return /v?(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Why this program will not do; null when it will. */
function faultOf(path: string): string | null {
  const version = versionOf(path);
  if (version === null) return `${path} is no nats-server that runs here (asked for its --version)`;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: oldest, minor: oldestMinor } = OLDEST_NATS;
  if (major > oldest || (major === oldest && minor >= oldestMinor)) return null;
  return `${path} is nats-server ${version}, and Weft needs ${oldest}.${oldestMinor} or later: older ones hang on a full disk and ignore settings silently`;
}

function onPath(path: string): string | null {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, "nats-server");
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not here.
    }
  }
  return null;
}

/** The user's cache, so that clones and homes share one download; else what the caller offers. */
function cacheFolder(search: NatsSearch, env: NodeJS.ProcessEnv): string {
  const folder = join(env["XDG_CACHE_HOME"] || join(env["HOME"] || homedir(), ".cache"), "weft", "bin");
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return folder;
  } catch (error) {
    if (search.fallbackCache !== undefined) return search.fallbackCache;
    throw new WeftError(
      "failed_precondition",
      `cannot keep nats-server in ${folder}: set XDG_CACHE_HOME to a folder you may write`,
      { cause: error },
    );
  }
}

/** Finds nats-server 2.10 or later: NATS_SERVER_BIN, then PATH, then one fetched before, then the sources in their order. */
export async function natsBinary(search: NatsSearch): Promise<NatsBinary> {
  const env = search.env ?? process.env;
  const told = env["NATS_SERVER_BIN"];
  if (told !== undefined && told !== "") {
    const fault = faultOf(told);
    if (fault !== null)
      throw new WeftError(
        "failed_precondition",
        `NATS_SERVER_BIN: ${fault}. Correct it, or unset it to have one found`,
      );
    return { path: told, version: versionOf(told)! };
  }
  const found = onPath(env["PATH"] ?? "");
  if (found !== null) {
    const fault = faultOf(found);
    if (fault === null) return { path: found, version: versionOf(found)! };
    search.say(`${fault}; looking further`);
  }
  const target = join(cacheFolder(search, env), `nats-server-${NATS_VERSION}`);
  if (faultOf(target) !== null) await fetchNats(search, target);
  return { path: target, version: versionOf(target)! };
}

async function fetchNats(search: NatsSearch, target: string): Promise<void> {
  const failures: string[] = [];
  for (const source of search.sources ?? SOURCES) {
    const began = performance.now();
    search.say(`getting nats-server: ${source.name}`);
    try {
      await fetchInto(source, target, faultOf);
      search.say(`nats-server is at ${target} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
      return;
    } catch (error) {
      search.say(`  that did not work: ${describeError(error)}`);
      failures.push(`- ${source.name}: ${describeError(error)}. Remedy: ${source.remedy}`);
    }
  }
  throw new WeftError(
    "failed_precondition",
    `no nats-server ${OLDEST_NATS.major}.${OLDEST_NATS.minor} or later was found, and none could be fetched. Do one of these, or put ` +
      `nats-server on PATH, or set NATS_SERVER_BIN to it, or NATS_URL to a running one:\n${failures.join("\n")}`,
  );
}
