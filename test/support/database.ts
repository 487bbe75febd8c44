import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";

export interface TestDatabase {
  readonly url: string;
  /** Ends all its connections and deletes it. */
  readonly drop: () => Promise<void>;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: inject("postgresAdmin") });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A database of a test's own with the newest schema and no rows. `from: "nothing"` leaves out the schema. */
export async function createDatabase(options: { from?: "template" | "nothing" } = {}): Promise<TestDatabase> {
  const name = `test_${process.pid}_${randomBytes(6).toString("hex")}`;
  const template = options.from === "nothing" ? "template0" : inject("postgresTemplate");
  await asAdmin(`create database ${name} template ${template}`);
  const url = new URL(inject("postgresAdmin"));
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => asAdmin(`drop database if exists ${name} with (force)`) };
}
