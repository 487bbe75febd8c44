import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";

export interface NatsBinary {
  readonly path: string;
  readonly version: string;
  readonly from: string;
}

export interface NatsSearch {
  readonly say: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
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

/** Finds nats-server 2.10 or later. */
export async function natsBinary(search: NatsSearch): Promise<NatsBinary> {
  const env = search.env ?? process.env;
  const path = env["NATS_SERVER_BIN"] ?? onPath(env["PATH"] ?? "");
  const version = path === null ? null : versionOf(path);
  if (path === null || version === null) throw new WeftError("failed_precondition", "no nats-server found");
  return { path, version, from: "the machine" };
}
