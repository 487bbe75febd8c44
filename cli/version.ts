import { readFileSync } from "node:fs";

/** Of this package: its package.json is one folder above the sources, two above what was built of them. */
export const VERSION: string = (() => {
  for (const relative of ["../package.json", "../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(relative, import.meta.url), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (name === "weft" && version !== undefined) return version;
    } catch {
      // The other one then.
    }
  }
  return "unknown";
})();
