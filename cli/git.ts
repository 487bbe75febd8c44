import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** Output of git: 50,000 paths of 200 bytes, several times. */
const GIT_BYTES_MAX = 64 * 1024 * 1024;

export interface GitAnswer {
  /** False also where there is no git. */
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs git in the folder. Texts are as latin1, byte for byte, where that is asked for: files have any encoding. */
export async function git(
  cwd: string,
  args: readonly string[],
  encoding: "utf8" | "latin1" = "utf8",
): Promise<GitAnswer> {
  // Reading must not take the lock that the user's own git may want.
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" };
  try {
    const { stdout, stderr } = await promisify(execFile)("git", [...args], {
      cwd,
      env,
      encoding,
      maxBuffer: GIT_BYTES_MAX,
    });
    return { ok: true, stdout, stderr };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { ok: false, stdout, stderr };
  }
}
