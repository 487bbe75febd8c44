import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { migrate, openDatabase } from "../../lib/db.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createDatabase({ from: "nothing" });
  folder = mkdtempSync(join(tmpdir(), "weft-migrate-"));
  cpSync(join(root, "migrations"), folder, { recursive: true });
});
afterEach(async () => {
  rmSync(folder, { recursive: true });
  await database.drop();
});

function first(): string {
  const journal = JSON.parse(readFileSync(join(folder, "meta/_journal.json"), "utf8")) as {
    entries: { tag: string }[];
  };
  return journal.entries[0]!.tag;
}

function add(tag: string, sql: string): void {
  writeFileSync(join(folder, `${tag}.sql`), sql);
  const path = join(folder, "meta/_journal.json");
  const journal = JSON.parse(readFileSync(path, "utf8")) as { entries: { idx: number; tag: string }[] };
  journal.entries.push({ idx: journal.entries.length, tag });
  writeFileSync(path, JSON.stringify(journal));
}

test("servers that start together migrate once, and a second time does nothing", async () => {
  const results = await Promise.all([1, 2, 3].map(() => migrate(database.url, { folder })));
  expect(results.filter(({ applied }) => applied.includes(first()))).toHaveLength(1);
  expect(await migrate(database.url, { folder })).toEqual({ applied: [] });
});

test("a migration that was edited after it was applied is named", async () => {
  await migrate(database.url, { folder });
  writeFileSync(join(folder, `${first()}.sql`), "select 1;");
  await expect(migrate(database.url, { folder })).rejects.toThrow(
    new RegExp(`migrations/${first()}.sql was changed after it was applied`),
  );
});

test("a database of a newer version is refused", async () => {
  add("9000_future", "select 1;");
  await migrate(database.url, { folder });
  await expect(migrate(database.url)).rejects.toThrow(
    /has migration 9000_future, which this version of Weft does not know/,
  );
});

test("a migration numbered before one that is applied is refused, not skipped", async () => {
  await migrate(database.url, { folder });
  add("0000_a", "select 1;");
  await expect(migrate(database.url, { folder })).rejects.toThrow(/0000_a.sql comes before/);
});

test("a migration that fails leaves nothing of itself behind", async () => {
  add("9000_bad", "create table half (id int);--> statement-breakpoint\nselect nonsense;");
  await expect(migrate(database.url, { folder })).rejects.toThrow(/9000_bad.sql failed/);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  expect((await client.query("select to_regclass('half') as half")).rows).toEqual([{ half: null }]);
  await client.end();
});

test("the schema files and the migrations say the same", () => {
  const check = spawnSync(process.execPath, ["scripts/migrations.mjs", "--check"], { cwd: root, encoding: "utf8" });
  expect(check.stderr).toBe("");
  expect(check.status).toBe(0);
});

test("a database URL that is none is told apart, without showing what may be a password", () => {
  expect(() => openDatabase("mysql://me:secret@host/x")).toThrow(/must look like postgres:/);
  expect(() => openDatabase("mysql://me:secret@host/x")).not.toThrow(/secret/);
});
