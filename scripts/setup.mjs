// Makes a clone ready to run: Node checked, dependencies installed, code built; each only where needed.
// It needs nothing that is not in Node: it runs before `npm ci`.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const NODE_NEEDED = [20, 19];
const SOURCES = ["proto", "lib", "scheduler", "worker", "agent", "services", "cli", "sdk", "bench", "test/support"];
const BUILD_FILES = ["package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json", "scripts/proto.mjs"];
const BUILD_STAMP = join(root, "dist", ".build.json");

/** What went wrong and what to do about it. */
class SetupError extends Error {
  constructor(problem, remedy) {
    super(`${problem}\n  What to do: ${remedy}`);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [needMajor, needMinor] = NODE_NEEDED;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new SetupError(
    `Weft needs Node ${NODE_NEEDED.join(".")} or later, and this is ${process.versions.node} (${process.execPath}).`,
    "install a newer Node (https://nodejs.org, or `nvm install 22`) and run this again",
  );
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}

/** npm writes node_modules/.package-lock.json last: what it lists is there whole. Null: nothing is missing. */
function missingDependency() {
  const installed = readJson(join(root, "node_modules/.package-lock.json"))?.packages;
  if (!installed) return "node_modules is missing";
  const wanted = readJson(join(root, "package-lock.json"))?.packages ?? {};
  for (const [path, { version, optional, devOptional }] of Object.entries(wanted)) {
    if (path === "" || (installed[path]?.version ?? null) === version) continue;
    // Packages for other platforms are never installed.
    if (installed[path] === undefined && (optional || devOptional)) continue;
    return `${path.replace(/^node_modules\//, "")} ${version} is not installed`;
  }
  return null;
}

/** npm as it started us, else the one on PATH. */
function npm(args, stdio) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith("npm-cli.js") ? [process.execPath, [cli]] : ["npm", []];
  return spawnSync(command, [...first, ...args], {
    cwd: root,
    stdio,
    encoding: "utf8",
    env: { ...process.env, NODE_ENV: "" },
  });
}

function runNpm(args, remedy) {
  const result = npm(args, ["ignore", "pipe", "pipe"]);
  if (result.error)
    throw new SetupError(
      `npm could not be started: ${result.error.message}`,
      "install npm (it comes with Node) and put it on PATH",
    );
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout}${result.stderr}`);
  throw new SetupError(
    `npm ${args.join(" ")} failed (${result.signal ?? `exit code ${result.status}`}); what it said is above.`,
    remedy,
  );
}

function step(what, work) {
  process.stdout.write(`${what} … `);
  const began = performance.now();
  try {
    work();
  } catch (error) {
    process.stdout.write("failed\n");
    throw error;
  }
  process.stdout.write(`done (${((performance.now() - began) / 1000).toFixed(1)} s)\n`);
}

function install() {
  const why = missingDependency();
  if (why === null) return;
  step(`installing dependencies with npm ci: ${why}`, () =>
    runNpm(
      // The build needs the dev ones, whatever this machine's npm is set to leave out.
      ["ci", "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"],
      "check that npm can reach its registry (npm ping) and that the disk has 500 MB free, then run this again",
    ),
  );
}

function sourceFiles(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  // proto/gen is made by the build from the files beside it.
  if (relative(root, path) === "proto/gen") return [];
  return readdirSync(path)
    .filter((name) => name !== "node_modules")
    .flatMap((name) => sourceFiles(join(path, name)));
}

/** Changes when a source is added, deleted or edited. */
function fingerprint() {
  const hash = createHash("sha256");
  for (const path of [...SOURCES, ...BUILD_FILES].flatMap((name) => sourceFiles(join(root, name)))) {
    if (path.endsWith(".test.ts")) continue;
    const { mtimeMs, size } = statSync(path);
    hash.update(`${relative(root, path)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex");
}

function build() {
  const now = fingerprint();
  if (existsSync(join(root, "dist/cli/main.js")) && readJson(BUILD_STAMP)?.fingerprint === now) return;
  step("building", () =>
    runNpm(
      ["run", "--silent", "build"],
      "mend what the compiler says; in an unchanged clone, delete node_modules and dist and run this again",
    ),
  );
  mkdirSync(dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, `${JSON.stringify({ fingerprint: now })}\n`);
}

/** Ends the process when something cannot be done. */
export function setup() {
  try {
    checkNode();
    install();
    build();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup();
  console.log("ready: `npm start` runs a cluster, `npx weft --help` says what there is");
}
