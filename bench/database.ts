import { rmSync } from "node:fs";
import { findPostgres, startPostgres } from "../cli/local/postgres.ts";

/** A fresh Postgres on disk, nothing tuned, with an empty database. */
export interface Database {
  readonly url: string;
  /** The folder that holds its data. */
  readonly base: string;
}

/** `env` must not name another one. */
export async function startDatabase(
  parts: { readonly home: string; readonly env: NodeJS.ProcessEnv },
  onEnd: (stop: () => Promise<unknown> | void) => void,
): Promise<Database> {
  const place = { ...parts, say: () => {} };
  const plan = findPostgres(place);
  const base = plan.kind === "own" ? plan.base : parts.home;
  onEnd(() => rmSync(base, { recursive: true, force: true, maxRetries: 5 }));
  const postgres = await startPostgres(plan, place);
  onEnd(() => postgres.own?.stop());
  return { url: postgres.url, base };
}
