import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What a client's environment holds: MLflow without its server, and what a scikit-learn model needs. */
export const MLFLOW_CLIENTS = {
  "2.22.5": ["mlflow-skinny==2.22.5", "scikit-learn==1.6.1", "pandas==2.3.3", "numpy==2.4.6", "setuptools==80.9.0"],
  "3.17.2": ["mlflow-skinny==3.17.2", "scikit-learn==1.9.1", "pandas==3.1.1", "numpy==2.4.6", "skops==0.16.0"],
} as const;

export type MlflowVersion = keyof typeof MLFLOW_CLIENTS;

/**
 * The interpreter of an environment with that client, made at first use and kept in ~/.cache/weft. Rejects with pip's
 * words; `undefined` when there is no python3 with an index that answers.
 */
async function mlflowPython(version: MlflowVersion): Promise<string | undefined> {
  const cache = process.env["XDG_CACHE_HOME"] || join(process.env["HOME"] || homedir(), ".cache");
  const folder = join(cache, "weft", "clients", `mlflow-${version}`);
  const done = join(folder, "complete");
  const python = join(folder, "bin", "python");
  if (existsSync(done)) return python;
  try {
    await run("python3", ["-m", "pip", "download", "-q", "--no-deps", "-d", join(folder, "probe"), "six"]);
  } catch {
    return undefined;
  }
  rmSync(folder, { recursive: true, force: true });
  await run("python3", ["-m", "venv", folder]);
  await run(python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...MLFLOW_CLIENTS[version]]);
  mkdirSync(`${done}.part`);
  renameSync(`${done}.part`, done);
  return python;
}

/**
 * Runs a script of tests with that client against the server at `url`; gives what it said. `undefined`: there is no such client to be
 * had. Rejects with what it said when a test failed.
 */
export async function runMlflowClient(
  version: MlflowVersion,
  script: string,
  url: string,
): Promise<string | undefined> {
  const python = await mlflowPython(version);
  if (python === undefined) return undefined;
  const env = {
    ...process.env,
    MLFLOW_TRACKING_URI: url,
    MLFLOW_DISABLE_TELEMETRY: "true",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES: "0",
    PYTHONWARNINGS: "ignore",
    GIT_PYTHON_REFRESH: "quiet",
  };
  const { stderr } = await run(python, [script], { env }).catch((error: unknown) => {
    throw new Error((error as { stderr?: string }).stderr ?? String(error));
  });
  return stderr;
}
