#!/usr/bin/env node
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
if (!existsSync(main)) {
  console.error("weft: not built yet. Run `npm start` (sets everything up and starts a cluster) or `npm run setup`.");
  process.exit(2);
}
await import(main);
