import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Builds the runner's program as the sources are now and gives its path: Node 20 does not run TypeScript, and the
 * runner is a process of its own. About half a second; once a test file.
 */
export function buildRunner(): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-runner-"));
  const config = join(folder, "tsconfig.json");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        outDir: folder,
        rootDir: root,
        sourceMap: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: [join(root, "worker/runner/main.ts")],
      include: [],
    }),
  );
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" });
  return join(folder, "worker/runner/main.js");
}
