import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { copyFile, mkdir, rename, stat, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { digestBytes } from "../lib/digest.ts";
import type { Digest } from "../lib/core/ids.ts";
import type { TreeFile, TreeManifest } from "../lib/core/tree.ts";
import { folderBytes, type Cache } from "./cache.ts";

/** Largest that were seen take five minutes on a slow link. */
const BUILD_MS_MAX = 15 * 60_000;
/** Of npm's output that goes into the message; all of it is in the attempt's stderr. */
const MESSAGE_LINES = 8;
const OUTPUT_BYTES_MAX = 64 * 1024;

/** Reason of the signals that end what is being done for an attempt. */
export class AttemptStopped extends Error {}

/** The packages could not be installed: the task's own doing. */
export class EnvironmentError extends Error {}

/** The files that make up an environment, from the folder of the lock file. */
interface Recipe {
  readonly lock: TreeFile;
  readonly package: TreeFile;
  readonly npmrc: TreeFile | undefined;
}

export interface BuildOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Where npm's output goes. */
  readonly stderr: string;
  readonly signal: AbortSignal;
}

/** Digest of all that decides what is installed. Throws EnvironmentError when the files are not in the submitted folder. */
export function environmentDigest(code: TreeManifest | null, lockPath: string): Digest {
  const recipe = findRecipe(code, lockPath);
  const parts = [
    recipe.lock.digest,
    recipe.package.digest,
    recipe.npmrc?.digest ?? "",
    process.version,
    process.platform,
    process.arch,
  ];
  return digestBytes(JSON.stringify(parts));
}

/**
 * Installs the packages of the lock file once for all attempts that need the same, and links them into the workspace as
 * node_modules beside the lock file. Errors: EnvironmentError, those of Cache.fetch, errno.
 */
export async function provideEnvironment(
  cache: Cache,
  code: TreeManifest | null,
  lockPath: string,
  workspace: string,
  options: BuildOptions,
): Promise<void> {
  const digest = environmentDigest(code, lockPath);
  const target = join(cache.environmentsDir, digest.slice("sha256:".length));
  await shared(options.signal, () =>
    cache.once(digest, async () => {
      if (await isThere(target)) return;
      await build(cache, findRecipe(code, lockPath), target, options);
      await cache.keep(digest, target, await folderBytes(target));
    }),
  );
  const link = join(workspace, posix.dirname(lockPath), "node_modules");
  await mkdir(dirname(link), { recursive: true });
  await symlink(join(target, "node_modules"), link).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new EnvironmentError(
      `the submitted folder holds ${posix.join(posix.dirname(lockPath), "node_modules")} itself, where the packages of ${lockPath} go; name it in .weftignore`,
    );
  });
}

/** Another attempt may have begun the build and be stopped in the middle of it; then it is begun again. */
async function shared(signal: AbortSignal, build: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await build();
    } catch (error) {
      if (!(error instanceof AttemptStopped) || signal.aborted) throw error;
    }
  }
}

function findRecipe(code: TreeManifest | null, lockPath: string): Recipe {
  const file = (path: string) => code?.files.find((candidate) => candidate.path === path);
  const folder = posix.dirname(lockPath);
  const [lock, manifest] = [lockPath, posix.join(folder, "package.json")].map((path) => {
    const found = file(path);
    if (!found)
      throw new EnvironmentError(
        `${path} is not in the submitted folder; environment.node names a package-lock.json beside its package.json`,
      );
    return found;
  });
  return { lock: lock!, package: manifest!, npmrc: file(posix.join(folder, ".npmrc")) };
}

async function build(cache: Cache, recipe: Recipe, target: string, options: BuildOptions): Promise<void> {
  const files = [recipe.lock, recipe.package, ...(recipe.npmrc ? [recipe.npmrc] : [])];
  for (const { digest } of files) cache.pin(digest);
  const temp = `${target}.${process.pid}.part`;
  try {
    await cache.fetch(files.map(({ digest }) => digest));
    mkdirSync(temp, { recursive: true });
    await copyFile(cache.store.path(recipe.lock.digest), join(temp, "package-lock.json"));
    await copyFile(cache.store.path(recipe.package.digest), join(temp, "package.json"));
    if (recipe.npmrc) await copyFile(cache.store.path(recipe.npmrc.digest), join(temp, ".npmrc"));
    await install(temp, recipe.lock.path, options);
    // Also when there was nothing to install.
    await mkdir(join(temp, "node_modules"), { recursive: true });
    await rename(temp, target);
  } finally {
    for (const { digest } of files) cache.unpin(digest);
    rmSync(temp, { recursive: true, force: true });
  }
}

/** Without install scripts: a package must not run code on the machine before, and outside of, the task. */
function install(folder: string, lockPath: string, { env, stderr, signal }: BuildOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const child = spawn("npm", args, { cwd: folder, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const log = createWriteStream(stderr, { flags: "a" });
    log.on("error", () => {});
    let output = "";
    let overdue = false;
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-OUTPUT_BYTES_MAX);
      log.write(chunk);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    // At once: half an installation is thrown away, and npm must not write on in it when this process has ended.
    const stop = () => signalGroup(child.pid, "SIGKILL");
    const timer = setTimeout(() => {
      overdue = true;
      stop();
    }, BUILD_MS_MAX);
    signal.addEventListener("abort", stop, { once: true });
    const end = (error?: Error) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      log.end(() => (error ? reject(error) : resolve()));
    };
    child.on("error", (error) =>
      end(new EnvironmentError(`cannot run npm to install ${lockPath}: ${error.message}; is npm on the agent's PATH?`)),
    );
    child.on("close", (code, killedBy) => {
      if (signal.aborted) end(signal.reason as Error);
      else if (overdue)
        end(new EnvironmentError(`installing ${lockPath} took longer than ${BUILD_MS_MAX / 60_000} minutes`));
      else if (code === 0) end();
      else end(failure(lockPath, killedBy ?? `exit code ${code}`, output));
    });
  });
}

function failure(lockPath: string, how: string, output: string): Error {
  if (output.includes("ENOSPC")) return Object.assign(new Error("npm: no space left on device"), { code: "ENOSPC" });
  // npm says why first, and then how it is used.
  const lines = output.trim().split("\n").slice(0, MESSAGE_LINES).join("\n");
  return new EnvironmentError(`npm ci of ${lockPath} failed with ${how}:\n${lines}`);
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // Gone already.
  }
}
