import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { installerEnvironment } from "./install.ts";
import { findProgram } from "./program.ts";

/** A container engine of this machine that works. */
export interface Engine {
  readonly name: "docker" | "podman";
  /** Absolute path of its client. */
  readonly program: string;
  /** It can put an init in front of the task, without which the task, being process 1, would ignore SIGTERM. */
  readonly hasInit: boolean;
}

/** The label by which a node says which engine it has; tasks in containers run only where it is. */
export const ENGINE_LABEL = "weft.container";

/** An engine that is there answers within a second; one that starts by a socket, in some. */
const ASK_MS_MAX = 15_000;
/** Podman's init, where distributions put it. */
const CATATONIT = ["/usr/libexec/podman/catatonit", "/usr/lib/podman/catatonit", "/usr/bin/catatonit"];

/** Docker if its daemon answers, else Podman; undefined: neither works here. */
export async function findEngine(env: Readonly<Record<string, string>>): Promise<Engine | undefined> {
  for (const name of ["docker", "podman"] as const) {
    const program = findProgram(name, env["PATH"] ?? "");
    if (program === undefined || !(await works(program, env))) continue;
    return { name, program, hasInit: name === "docker" || CATATONIT.some((path) => existsSync(path)) };
  }
  return undefined;
}

function works(program: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { env: installerEnvironment(env), cwd: "/", timeout: ASK_MS_MAX };
    // The client alone exits with 0 for many things; this one asks the daemon.
    execFile(program, ["ps", "--quiet", "--last", "1"], options, (error) => resolve(error === null));
  });
}
