import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { natsBinary } from "./nats-binary.ts";
import type { NatsBinary } from "./nats-binary.ts";
import { launchNats } from "./nats-server.ts";
import type { Place, ServerPart } from "./server-part.ts";

export type NatsPlan = { kind: "external"; url: string } | { kind: "own"; binary: NatsBinary };

/** What NATS will be: NATS_URL where that is set, else a server of our own. */
export async function findNats(place: Place): Promise<NatsPlan> {
  const url = place.env["NATS_URL"];
  if (url !== undefined && url !== "") {
    place.say(`NATS: the one of NATS_URL (${withoutPassword(url)})`);
    return { kind: "external", url };
  }
  const binary = await natsBinary({ say: place.say, env: place.env, fallbackCache: join(place.home, "bin") });
  place.say(`NATS: nats-server ${binary.version}, ${binary.path}`);
  return { kind: "own", binary };
}

/** Starts what was found, on `port` if it must be that one again. */
export async function startNats(plan: NatsPlan, place: Place, port?: number): Promise<ServerPart> {
  if (plan.kind === "external") return { url: plan.url, own: null };
  const logs = join(place.home, "log");
  mkdirSync(logs, { recursive: true });
  const server = await launchNats({
    binary: plan.binary.path,
    folder: join(place.home, "nats"),
    storeDir: join(place.home, "nats", "store"),
    logFile: join(logs, "nats.log"),
    ...(port === undefined ? {} : { port }),
  });
  return { url: server.url, own: server };
}

/** A connection string that may be shown. */
export function withoutPassword(text: string): string {
  try {
    const url = new URL(text);
    if (url.password !== "") url.password = "***";
    return url.href;
  } catch {
    return text;
  }
}
