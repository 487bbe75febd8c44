import { execFileSync } from "node:child_process";
import { WeftError } from "../../lib/core/error.ts";
import { portProblem } from "./port.ts";

/** A courtesy in an error message must not make it late. */
const LOOK_LIMIT_MS = 1_000;

/** Who listens on the port, as far as this machine tells: `node (pid 812)`, or null. */
function ownerOf(port: number): string | null {
  const look = (program: string, args: string[]): string =>
    execFileSync(program, args, { encoding: "utf8", timeout: LOOK_LIMIT_MS, stdio: ["ignore", "pipe", "ignore"] });
  try {
    const found = /\("([^"]+)",pid=(\d+)/.exec(look("ss", ["-Hltnp", `sport = :${port}`]));
    if (found !== null) return `${found[1]} (pid ${found[2]})`;
  } catch {
    // No ss here.
  }
  try {
    const found = /p(\d+)\nc(.+)/.exec(look("lsof", ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpc"]));
    if (found !== null) return `${found[2]} (pid ${found[1]})`;
  } catch {
    // Nor lsof.
  }
  return null;
}

/** Throws when a port cannot be had, with who has it and what to do. `flag` is the option that sets it. */
export async function requirePort(what: string, host: string, port: number, flag: string): Promise<void> {
  const problem = await portProblem(host, port);
  if (problem === null) return;
  if (problem === "forbidden") {
    throw new WeftError(
      "failed_precondition",
      `port ${port} (${what}) needs rights that this user does not have: choose one above 1023 with ${flag} N`,
    );
  }
  const owner = ownerOf(port);
  const who = owner === null ? "another program (to see which: ss -ltnp)" : owner;
  throw new WeftError(
    "failed_precondition",
    `port ${port} of ${host} (${what}) is taken by ${who}. Stop that, or choose another port: ${flag} N, or ${flag} 0 for any free one`,
  );
}
