import { execFileSync } from "node:child_process";

/** Whom a server runs as. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function identify(name: string): Account | null {
  try {
    const ask = (flag: string): number =>
      Number(execFileSync("id", [flag, name], { stdio: ["ignore", "pipe", "ignore"] }));
    return { name, uid: ask("-u"), gid: ask("-g") };
  } catch {
    return null;
  }
}

/**
 * Postgres refuses to run as root. Gives the account to run it as: none of its own when we are not root; else `postgres`,
 * which is made where the machine has none.
 */
export function postgresAccount(say: (line: string) => void): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const known = identify("postgres");
  if (known !== null) return known;
  say("Postgres does not run as root and there is no user postgres: adding one (groupadd, useradd)");
  try {
    execFileSync("groupadd", ["--system", "postgres"], { stdio: "ignore" });
  } catch {
    // The group may be there without the user; useradd tells.
  }
  execFileSync(
    "useradd",
    ["--system", "--gid", "postgres", "--no-create-home", "--shell", "/usr/sbin/nologin", "postgres"],
    {
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const made = identify("postgres");
  if (made === null) throw new Error("the user postgres was added but cannot be looked up");
  return made;
}

/** Whether `account` can enter this folder: each folder above it must let it pass too. */
export function canEnter(folder: string, account: Account | undefined): boolean {
  try {
    execFileSync("sh", ["-c", 'cd "$1"', "sh", folder], {
      stdio: "ignore",
      cwd: "/",
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    return true;
  } catch {
    return false;
  }
}
