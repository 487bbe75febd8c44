import { execFile } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { MAIN, startUp, type UpCluster } from "../support/up.ts";

/** Fetching what builds the package (some 20 MB), on a machine that other tests keep busy. */
const INSTALL_LIMIT_MS = 240_000;
const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");

let folder: string;
let python: string;
let cluster: UpCluster | undefined;
/** Why there is nothing to test with. */
let missing: string | undefined;

/** Like a user's: the package as pip installs it from the repository, in an environment of its own. */
async function install(): Promise<void> {
  // A copy: setuptools builds beside the source.
  const filter = (path: string) => !/\/(build|[^/]*\.egg-info)$/.test(path);
  cpSync(join(ROOT, "sdk/python"), join(folder, "sdk/python"), { recursive: true, filter });
  cpSync(join(ROOT, "proto/weft"), join(folder, "proto/weft"), { recursive: true });
  await run("python3", ["-m", "venv", join(folder, "venv")]);
  await run(python, ["-m", "pip", "install", "-q", join(folder, "sdk/python"), "mypy"]);
}

beforeAll(async () => {
  folder = join(inject("folder"), "python-sdk");
  python = join(folder, "venv/bin/python");
  try {
    await run("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", join(folder, "pip"), "pathspec"]);
  } catch {
    missing = "there is no python3 with pip here, or no index that answers it";
    return;
  }
  await install();
  cluster = await startUp();
}, INSTALL_LIMIT_MS);
beforeEach((context) => {
  if (missing !== undefined) context.skip(missing);
});
afterAll(() => cluster?.stop());

test("the client submits, waits, reads logs and results, downloads and cancels", { timeout: 180_000 }, async () => {
  const command = `${process.execPath} ${MAIN}`;
  const env = { ...process.env, WEFT_SERVER: cluster!.grpc, WEFT_COMMAND: command };
  const { stderr } = await run(python, ["-m", "unittest", "-v", "test_client"], {
    env,
    cwd: join(folder, "sdk/python/tests"),
  }).catch((error: unknown) => {
    throw new Error((error as { stderr?: string }).stderr ?? String(error));
  });
  expect(stderr).toMatch(/Ran 7 tests[^]*\nOK\n/);
});

test("the package is typed, strictly", { timeout: 120_000 }, async () => {
  const config = join(folder, "sdk/python/pyproject.toml");
  const { stdout } = await run(python, ["-m", "mypy", "--config-file", config, "-p", "weft"], { cwd: folder });
  expect(stdout).toContain("Success: no issues found");
});
