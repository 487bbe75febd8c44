import { formatSize } from "../lib/core/pipeline/units.ts";
import { git } from "./git.ts";

/** Where the files of a git work tree come from, and how they differ from the commit. */
export interface Origin {
  /** Null: none is checked out. */
  readonly branch: string | null;
  /** URL of the repository that the branch follows, else of "origin", without what signs in there; null: neither. */
  readonly remote: string | null;
  /** What differs from the commit, for `git apply`; null: nothing. */
  readonly diff: Buffer | null;
}

interface WorkTree {
  readonly commit: string;
  readonly dirty: boolean;
  /** Those that travel, relative to the folder. */
  readonly paths: readonly string[];
  /** Whether that file may travel; one that is gone may, too. */
  readonly travels: (path: string) => boolean;
}

/** People read it beside the run; the files themselves are kept with the code, however large the difference is. */
const DIFF_BYTES_MAX = 8 * 1024 * 1024;
/** In one command: far below what the system takes as arguments. */
const PATHS_PER_COMMAND = 500;
/** Whatever the user has set: a patch that `git apply` takes everywhere. */
const PATCH = ["--binary", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
const PREFIXES = ["--src-prefix=a/", "--dst-prefix=b/", "--no-relative"];

/** Of a folder in a work tree with a commit. What git cannot say is absent: nothing depends on it. */
export async function readOrigin(root: string, tree: WorkTree): Promise<Origin> {
  const [branch, url] = await Promise.all([
    git(root, ["symbolic-ref", "-q", "--short", "HEAD"]),
    // Asks nobody; without a remote it says the name that one would have.
    git(root, ["ls-remote", "--get-url"]),
  ]);
  const remote = url.ok ? withoutLogin(url.stdout.trim()) : "";
  // "." is this repository itself.
  const isNone = ["", ".", "origin"].includes(remote);
  return {
    branch: branch.ok ? branch.stdout.trim() : null,
    remote: isNone ? null : remote,
    diff: tree.dirty ? await readDiff(root, tree) : null,
  };
}

/** `https://user:token@host/x` names the repository without its first half; in `git@host:x` nothing is secret. */
export function withoutLogin(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*:[^/]*@/i, "$1").replace(/^(https?:\/\/)[^/@]*@/i, "$1");
}

async function readDiff(root: string, { commit, paths, travels }: WorkTree): Promise<Buffer | null> {
  const [changed, untracked] = await Promise.all([
    git(root, ["diff", "--name-only", "--no-renames", "--relative", "-z", commit, "--", "."]),
    git(root, ["ls-files", "-o", "--exclude-standard", "-z", "--", "."]),
  ]);
  // What stays behind for its secrets must not travel as a difference either.
  const names = split(changed.stdout).filter(travels);
  const shipped = new Set(paths);
  const others = split(untracked.stdout).filter((path) => shipped.has(path));
  if (names.length + others.length === 0) return null;
  const head = [
    `# What was not in commit ${commit}, for \`git apply\`:`,
    ...(others.length === 0 ? [] : ["# Not tracked, but submitted with the code:", ...others.map(listed)]),
  ];
  const patch = await readPatch(root, commit, names);
  const body =
    patch ?? [`# More than ${formatSize(DIFF_BYTES_MAX)} differ; the files that do:`, ...names.map(listed)].join("\n");
  return Buffer.concat([
    Buffer.from(`${head.join("\n")}\n`),
    Buffer.from(body, patch === undefined ? "utf8" : "latin1"),
  ]);
}

/** As latin1; undefined: it is larger than what is kept. */
async function readPatch(root: string, commit: string, names: readonly string[]): Promise<string | undefined> {
  let patch = "";
  for (let start = 0; start < names.length; start += PATHS_PER_COMMAND) {
    const some = names.slice(start, start + PATHS_PER_COMMAND).map((path) => `:(literal)${path}`);
    const { ok, stdout } = await git(root, ["diff", ...PATCH, ...PREFIXES, commit, "--", ...some], "latin1");
    patch += stdout;
    if (!ok || patch.length > DIFF_BYTES_MAX) return undefined;
  }
  return patch;
}

const split = (text: string): string[] => text.split("\0").filter((path) => path !== "");
/** A name may hold any character but NUL. */
const listed = (path: string): string => `#   ${/^[^\p{Cc}"]*$/u.test(path) ? path : JSON.stringify(path)}`;
