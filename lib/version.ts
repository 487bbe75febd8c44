import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The package's version; compiled code finds package.json one folder further up than sources do. */
export function weftVersion(): string {
  for (const relative of ["../package.json", "../../package.json"]) {
    const path = fileURLToPath(new URL(relative, import.meta.url));
    if (existsSync(path)) return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  }
  return "unknown";
}
