import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Absolute path of a program on `path` (written as PATH is); undefined: there is none. */
export function findProgram(name: string, path: string): string | undefined {
  for (const folder of path.split(":").filter((part) => part.startsWith("/"))) {
    const candidate = join(folder, name);
    try {
      accessSync(candidate, constants.X_OK);
      if (statSync(candidate).isFile()) return candidate;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
