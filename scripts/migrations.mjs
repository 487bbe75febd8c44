#!/usr/bin/env node
// The schema files and migrations/ must say the same.
//   node scripts/migrations.mjs [--name what_changed]   writes the migration that is missing
//   node scripts/migrations.mjs --check                 exit 1 when one is missing
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const migrations = join(root, "migrations");

function generate(out, args) {
  const bin = join(root, "node_modules", "drizzle-kit", "bin.cjs");
  const result = spawnSync(process.execPath, [bin, "generate", ...args], {
    cwd: root,
    env: { ...process.env, WEFT_MIGRATIONS_OUT: relative(root, out) },
    encoding: "utf8",
    // It asks when it cannot tell a rename from a drop: a check has nobody to ask.
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 60_000,
  });
  const said = `${result.stdout}${result.stderr}`;
  if (result.status !== 0 || /error/i.test(result.stderr)) {
    console.error(`drizzle-kit generate failed:\n${said}`);
    process.exit(1);
  }
  return said;
}

const sqlFiles = (folder) => readdirSync(folder).filter((name) => name.endsWith(".sql"));

function check() {
  const copy = mkdtempSync(join(tmpdir(), "weft-migrations-"));
  try {
    cpSync(migrations, copy, { recursive: true });
    const before = new Set(sqlFiles(copy));
    generate(copy, ["--name", "missing"]);
    const missing = sqlFiles(copy).filter((name) => !before.has(name));
    for (const name of missing) {
      console.error(
        `migrations/ does not hold what the schema files say; missing:\n${readFileSync(join(copy, name), "utf8")}`,
      );
    }
    if (missing.length > 0) {
      console.error("Run: node scripts/migrations.mjs --name what_changed");
      return 1;
    }
    console.log(`migrations: ${before.size} in ${basename(migrations)}/, nothing missing`);
    return 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
if (args.includes("--check")) process.exit(check());
console.log(generate(migrations, args).trim());
