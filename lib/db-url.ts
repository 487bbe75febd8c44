import type { ClientConfig } from "pg";
import { WeftError } from "./core/error.ts";

/** Throws `invalid` when the URL is not one of Postgres. */
export function connection(url: string): ClientConfig {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined;
  if (protocol !== "postgres:" && protocol !== "postgresql:") {
    // Not shown: it may hold a password.
    throw new WeftError("invalid", "the database URL must look like postgres://user:password@host:5432/name");
  }
  return { connectionString: url };
}
