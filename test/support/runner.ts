import { execFileSync } from "node:child_process";
import { mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface BuiltWorker {
  readonly folder: string;
  /** Of the runner. */
  readonly program: string;
  /** worker/index.js, for a process that is to be killed with a worker in it. */
  readonly module: string;
}

/**
 * Builds the worker and its runner as the sources are now: Node 20 does not run TypeScript, and the runner is a process
 * of its own. About half a second; once a test file, which removes `folder` in the end.
 */
export function buildWorker(): BuiltWorker {
  const folder = mkdtempSync(join(tmpdir(), "weft-built-"));
  const config = join(folder, "tsconfig.json");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: { noEmit: false, outDir: folder, rootDir: root, sourceMap: false },
      files: ["worker/runner/main.ts", "worker/session/main.ts", "worker/index.ts"].map((name) => join(root, name)),
      include: [],
    }),
  );
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" });
  return {
    folder,
    program: join(folder, "worker/runner/main.js"),
    module: join(folder, "worker/index.js"),
  };
}
