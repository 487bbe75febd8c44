import { z } from "zod";
import { WeftError } from "./core/error.ts";

/**
 * Checks options once, where they enter. `names` says where each comes from ("--grpc-port", "DATABASE_URL"), so that the
 * error of a wrong one names what to change. Throws `invalid`.
 */
export function readConfig<Config extends object>(
  schema: z.ZodType<Config>,
  values: Readonly<Record<keyof Config, unknown>>,
  names: Readonly<Record<keyof Config, string>>,
): Readonly<Config> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const sources = new Map<PropertyKey, string>(Object.entries(names) as [string, string][]);
  const issues = parsed.error.issues.map(({ path, message }) => {
    const source = sources.get(path[0] ?? "") ?? "options";
    return { path: [source], message: `${source}: ${message}` };
  });
  throw new WeftError("invalid", issues.map(({ message }) => message).join("; "), { issues });
}

/** A TCP port from a flag or the environment; 0: any free one. */
export const port = z.coerce
  .number({ error: "must be a port, 0 to 65535" })
  .int("must be a whole number")
  .min(0, "must be a port, 0 to 65535 (0: any free one)")
  .max(65_535, "must be a port, 0 to 65535 (0: any free one)");

export function milliseconds(min: number, max: number): z.ZodType<number> {
  const range = `must be ${min} to ${max} milliseconds`;
  return z.coerce.number({ error: range }).int(range).min(min, range).max(max, range);
}

export const hostAndPort = z.string().regex(/^(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):\d{1,5}$/, "must be HOST:PORT");

/** Addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
