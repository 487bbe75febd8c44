// `npm start`: sets the clone up and runs `weft up` in this very process, so that signals reach it directly.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, setup } from "./setup.mjs";

setup();
const main = join(root, "dist/cli/main.js");
process.argv = [process.argv[0], main, "up", ...process.argv.slice(2)];
await import(pathToFileURL(main).href);
