import { join, posix } from "node:path";
import { digestBytes } from "../../lib/digest.ts";
import { EnvironmentError } from "./failure.ts";
import type { Install } from "./install.ts";
import { findInterpreter, type Interpreter } from "./interpreter.ts";
import { findProgram } from "./program.ts";
import { submittedFile, type Kitchen, type Recipe } from "./recipe.ts";
import { readRequirements, type Requirements } from "./requirements.ts";
import { pipSettings } from "./pip-settings.ts";

const VENV = "venv";
/** `pylock.toml`, `pylock.dev.toml`: PEP 751. */
const PYLOCK = /^pylock(\.[^./]+)?\.toml$/;
const WHEELS_HINT =
  "only wheels are installed, because building a package runs its code outside of the task; " +
  '"--no-binary NAME" in the requirements file lets one be built';

/**
 * A virtual environment with the packages of a requirements file (or, with uv, of a pylock.toml or a uv.lock), made by uv
 * where it is on the agent's PATH, else by venv and pip. Throws EnvironmentError, those of Cache.fetch.
 */
export async function pythonRecipe(kitchen: Kitchen, lockPath: string, version: string | null): Promise<Recipe> {
  const { env } = kitchen;
  const uv = findProgram("uv", env["PATH"] ?? "");
  const name = posix.basename(lockPath);
  const needsUv = name === "uv.lock" || PYLOCK.test(name);
  if (needsUv && uv === undefined)
    throw new EnvironmentError(
      `${lockPath} is read by uv, which is not on this node's PATH; install uv there, or write a requirements file ` +
        "(uv export --format requirements.txt)",
    );
  const requirements = await requirementsOf(kitchen, lockPath);
  const python = await findInterpreter(version, env);
  const files = requirements.files.map(({ path, digest }) => [path, digest]);
  return {
    digest: digestBytes(JSON.stringify(["python", lockPath, files, python.version, python.platform])),
    files: requirements.files,
    async build(folder, source, install) {
      const venv = join(folder, VENV);
      const order: Order = {
        python,
        venv,
        lockPath,
        cwd: join(source, posix.dirname(lockPath)),
        requirements,
        install,
      };
      if (uv === undefined) await buildWithPip(order);
      else if (name === "uv.lock") await syncWithUv(uv, order);
      else await buildWithUv(uv, order);
    },
    async enter(folder) {
      const venv = join(folder, VENV);
      return { path: [join(venv, "bin")], variables: { VIRTUAL_ENV: venv } };
    },
  };
}

interface Order {
  readonly python: Interpreter;
  readonly venv: string;
  readonly lockPath: string;
  /** Where the lock file lies. */
  readonly cwd: string;
  readonly requirements: Requirements;
  readonly install: Install;
}

/** uv.lock is no use without the pyproject.toml it was made from. */
async function requirementsOf(kitchen: Kitchen, lockPath: string): Promise<Requirements> {
  const name = posix.basename(lockPath);
  if (name !== "uv.lock" && !PYLOCK.test(name)) return readRequirements(kitchen, lockPath);
  const paths = [lockPath, ...(name === "uv.lock" ? [posix.join(posix.dirname(lockPath), "pyproject.toml")] : [])];
  const files = paths.map((path) => {
    const file = submittedFile(kitchen.code, path);
    if (!file) throw new EnvironmentError(`${path} is not in the submitted folder; environment.python is ${lockPath}`);
    return file;
  });
  return { files, hashed: false };
}

async function buildWithPip({ python, venv, lockPath, cwd, requirements, install }: Order): Promise<void> {
  await install({
    program: python.path,
    // A pip of its own would take five seconds of the build, and is of no use in what nobody may change.
    args: ["-m", "venv", ...(python.pipReaches ? ["--without-pip"] : []), venv],
    cwd,
    title: `making a virtual environment of Python ${python.version} (${python.path} -m venv)`,
    reason: "last lines",
  });
  await install({
    program: python.pipReaches ? python.path : join(venv, "bin/python"),
    args: [
      ...words("-m pip"),
      ...(python.pipReaches ? ["--python", join(venv, "bin/python")] : []),
      ...words("install --no-input --disable-pip-version-check --no-warn-script-location --progress-bar off"),
      ...words(`--only-binary :all:${requirements.hashed ? " --require-hashes" : ""}`),
      "-r",
      posix.basename(lockPath),
    ],
    cwd,
    title: `pip install of ${lockPath}`,
    reason: "last lines",
    hint: (output) => (/No matching distribution|--only-binary/.test(output) ? WHEELS_HINT : undefined),
  });
}

async function buildWithUv(uv: string, order: Order): Promise<void> {
  const { python, venv, lockPath, cwd, requirements, install } = order;
  const env = await pipSettings(python, order.install, cwd);
  await makeVenvWithUv(uv, order);
  await install({
    program: uv,
    args: [
      ...words(`pip install --only-binary :all: ${UV_FLAGS}${requirements.hashed ? " --require-hashes" : ""} --python`),
      join(venv, "bin/python"),
      "-r",
      posix.basename(lockPath),
    ],
    cwd,
    env,
    title: `uv pip install of ${lockPath}`,
    reason: "last lines",
    hint: (output) => (/no usable wheels|no wheels|--only-binary|--no-build/.test(output) ? WHEELS_HINT : undefined),
  });
}

/** Copies, because a link into uv's cache would let a task that writes into its environment spoil all others. */
const UV_FLAGS = "--link-mode copy --compile-bytecode --no-progress --color never";

async function syncWithUv(uv: string, order: Order): Promise<void> {
  const { python, venv, lockPath, cwd, install } = order;
  await makeVenvWithUv(uv, order);
  await install({
    program: uv,
    args: [...words(`sync --frozen --no-install-project --no-dev --no-build ${UV_FLAGS} --python`), python.path],
    cwd,
    env: { ...(await pipSettings(python, install, cwd)), UV_PROJECT_ENVIRONMENT: venv },
    title: `uv sync of ${lockPath}`,
    reason: "last lines",
  });
}

async function makeVenvWithUv(uv: string, { python, venv, cwd, install }: Order): Promise<void> {
  await install({
    program: uv,
    args: [...words("venv --no-project --quiet --python"), python.path, venv],
    cwd,
    title: `making a virtual environment of Python ${python.version} (uv venv)`,
    reason: "last lines",
  });
}

function words(text: string): string[] {
  return text.split(" ");
}
