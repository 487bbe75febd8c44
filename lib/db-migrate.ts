import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { WeftError } from "./core/error.ts";
import { connection } from "./db-url.ts";
import type { Log } from "./log.ts";

/** Any number that no other program on the database uses: servers that start together migrate one after the other. */
const ADVISORY_LOCK = 8_377_110_201;
const STATEMENT_BREAKPOINT = "--> statement-breakpoint";

export interface Migration {
  /** File name without `.sql`. */
  readonly name: string;
  readonly hash: string;
  readonly statements: readonly string[];
}

/**
 * Brings the database to this version's schema, forward only; each migration is one transaction. Repeating it does
 * nothing. Throws `failed_precondition` when what was applied is not what this version holds.
 * drizzle's own migrator decides by the newest timestamp alone: it skips migrations merged late and never sees that an applied one was
 * edited; so only its files are used.
 */
export async function migrate(
  url: string,
  options: { folder?: string; log?: Log } = {},
): Promise<{ applied: string[] }> {
  const migrations = readMigrations(options.folder ?? migrationsFolder());
  const client = new pg.Client({ ...connection(url), application_name: "weft migrate" });
  client.on("error", (error) => options.log?.warn({ err: error }, "the migrating connection was lost"));
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [ADVISORY_LOCK]);
    await client.query(
      "create table if not exists weft_migrations (name text primary key, hash text not null, applied_at timestamptz not null default now())",
    );
    const { rows } = await client.query<{ name: string; hash: string }>(
      "select name, hash from weft_migrations order by name",
    );
    const waiting = pendingMigrations(migrations, rows);
    for (const migration of waiting) {
      await apply(client, migration);
      options.log?.info({ migration: migration.name }, "migrated");
    }
    return { applied: waiting.map((migration) => migration.name) };
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query("begin");
  try {
    for (const statement of migration.statements) await client.query(statement);
    await client.query("insert into weft_migrations (name, hash) values ($1, $2)", [migration.name, migration.hash]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw new WeftError("internal", `migration ${migration.name}.sql failed`, { cause: error });
  }
}

/** What is still to be applied, in order. */
export function pendingMigrations(
  ours: readonly Migration[],
  applied: readonly { name: string; hash: string }[],
): readonly Migration[] {
  const hashes = new Map(ours.map((migration) => [migration.name, migration.hash]));
  for (const { name, hash } of applied) {
    const expected = hashes.get(name);
    if (expected === undefined) {
      throw new WeftError(
        "failed_precondition",
        `the database has migration ${name}, which this version of Weft does not know: it was used by a newer version; run that one, or give this one another database`,
      );
    }
    if (expected !== hash) {
      throw new WeftError(
        "failed_precondition",
        `migrations/${name}.sql was changed after it was applied to this database: restore the file and put the change into a new migration`,
      );
    }
  }
  const done = new Set(applied.map(({ name }) => name));
  const waiting = ours.filter((migration) => !done.has(migration.name));
  const last = applied.at(-1)?.name;
  const late = waiting.find((migration) => last !== undefined && migration.name < last);
  if (late) {
    throw new WeftError(
      "failed_precondition",
      `migrations/${late.name}.sql comes before ${last}, which is applied already: give it a later number`,
    );
  }
  return waiting;
}

/** In the order of drizzle-kit's journal. */
export function readMigrations(folder: string): Migration[] {
  const journal = JSON.parse(readFileSync(join(folder, "meta", "_journal.json"), "utf8")) as {
    entries: { idx: number; tag: string }[];
  };
  return journal.entries.map(({ tag }) => {
    const sql = readFileSync(join(folder, `${tag}.sql`), "utf8").replaceAll("\r\n", "\n");
    const statements = sql.split(STATEMENT_BREAKPOINT).map((statement) => statement.trim());
    return { name: tag, hash: createHash("sha256").update(sql).digest("hex"), statements: statements.filter(Boolean) };
  });
}

/** Beside lib/ in the source tree, and one folder up from dist/ after a build. */
function migrationsFolder(): string {
  for (const path of ["../migrations", "../../migrations"]) {
    const folder = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(join(folder, "meta", "_journal.json"))) return folder;
  }
  throw new WeftError("internal", "the folder migrations/ is missing from this installation of Weft: install it again");
}
