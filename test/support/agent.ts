import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import type { NodeId } from "../../lib/core/ids.ts";
import { silentLog } from "../../lib/log.ts";
import { type Agent, type AgentOptions, startAgent } from "../../agent/main.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

let built: string | undefined;

/**
 * Builds the agent's and the runner's programs as the sources are now and gives the folder: Node 20 does not run
 * TypeScript, and these are processes of their own. A second; once a test file.
 */
export function buildAgent(): string {
  if (built !== undefined) return built;
  const folder = mkdtempSync(join(inject("folder"), "agent-build-"));
  const config = join(folder, "tsconfig.json");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        outDir: folder,
        rootDir: root,
        sourceMap: false,
        typeRoots: [join(root, "node_modules/@types")],
      },
      files: [join(root, "test/support/agent-entry.ts"), join(root, "worker/runner/main.ts")],
      include: [],
    }),
  );
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], { stdio: "inherit" });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  symlinkSync(join(root, "proto/weft"), join(folder, "proto/weft"));
  built = folder;
  return folder;
}

/** Starts the agent in this process. */
export function startTestAgent(server: string, dir: string, options: Partial<AgentOptions> = {}): Promise<Agent> {
  const runnerProgram = join(buildAgent(), "worker/runner/main.js");
  return startAgent({ server, dir, name: "n1", cpus: 8, version: "test", log: silentLog(), runnerProgram, ...options });
}

export interface AgentProcess {
  readonly child: ChildProcess;
  readonly node: Promise<NodeId>;
  /** Sends the signal and resolves with the exit code when it is gone. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null>;
}

/** Starts `weft agent` as a process. Without `supervised` it is told by no parent's end to stop. */
export function spawnAgent(server: string, dir: string, args: readonly string[] = []): AgentProcess {
  mkdirSync(dir, { recursive: true });
  const log = openSync(join(dir, "agent.log"), "a");
  const program = join(buildAgent(), "test/support/agent-entry.js");
  const child = fork(program, ["--server", server, "--dir", dir, "--name", "n1", "--cpus", "8", ...args], {
    stdio: ["ignore", log, log, "ipc"],
    execArgv: [],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const node = new Promise<NodeId>((resolve, reject) => {
    child.on("message", (message: { node: NodeId }) => resolve(message.node));
    void exited.then(([code]) => reject(new Error(`the agent ended with ${code} before it was ready`)));
  });
  node.catch(() => undefined);
  return {
    child,
    node,
    end: async (signal) => {
      child.kill(signal);
      return (await exited)[0];
    },
  };
}
