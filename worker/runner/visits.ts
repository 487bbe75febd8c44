import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { AttemptKey } from "../../lib/core/ids.ts";
import { WORKSPACE } from "../folder.ts";
import type { RunningAttempt } from "./attempt.ts";
import type { Census } from "./census.ts";
import type { HostPlace, Notice, VisitRequest } from "./protocol.ts";
import type { Tree } from "./tree.ts";

/** In a `visited`: its attempt has no process here. */
export const NOT_RUNNING = "NOT_RUNNING";

/** What runs in attempts for somebody outside: terminals, commands, probes. Each request gets one `visited`. */
export class Visits {
  readonly #census: Census;
  readonly #notify: (notice: Notice) => void;
  readonly #running = new Map<string, { readonly request: VisitRequest; readonly child: ChildProcess }>();

  constructor(census: Census, notify: (notice: Notice) => void) {
    this.#census = census;
    this.#notify = notify;
  }

  /** `attempt`: undefined when it is not running here. */
  begin(attempt: RunningAttempt | undefined, request: VisitRequest): void {
    if (!attempt || attempt.exit) return this.#over(request, null, null, NOT_RUNNING);
    try {
      const child = start(attempt, request);
      if (child.pid === undefined) {
        child.once("error", (error: NodeJS.ErrnoException) =>
          this.#over(request, null, null, error.code ?? error.message),
        );
      } else this.#watch(attempt, request, child, child.pid);
    } catch (error) {
      this.#over(request, null, null, (error as NodeJS.ErrnoException).code ?? String(error));
    }
  }

  /** Nobody waits for the visit any more. A host ends what it has started; commands end by their own time. */
  end(visit: string): void {
    const running = this.#running.get(visit);
    if (running?.request.what === "host") running.child.kill("SIGTERM");
  }

  /** The attempt's main process has ended: the rest of it is being killed, and no host may start anything new in it. */
  endAllOf(key: AttemptKey): void {
    for (const [visit, { request }] of this.#running) if (request.key === key) this.end(visit);
  }

  endAll(): void {
    for (const visit of this.#running.keys()) this.end(visit);
  }

  #watch({ tree }: RunningAttempt, request: VisitRequest, child: ChildProcess, pid: number): void {
    const { visit, what, timeoutMs } = request;
    this.#census.admit(tree, pid, what);
    this.#running.set(visit, { request, child });
    const timer = timeoutMs > 0 ? setTimeout(() => this.#killGroup(tree, pid), timeoutMs) : undefined;
    child.on("error", () => {});
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      this.#running.delete(visit);
      if (what === "host") this.#census.dismiss(tree, pid);
      // What a command has left running has no business there any more.
      else this.#killGroup(tree, pid);
      this.#over(request, code, signal, null);
    });
  }

  #killGroup(tree: Tree, group: number): void {
    this.#census.refresh();
    for (const { pid, pgrp } of tree.alive()) if (pgrp === group && tree.isVisitor(pid)) kill(pid);
  }

  #over({ visit }: VisitRequest, exitCode: number | null, signal: string | null, error: string | null): void {
    this.#notify({ kind: "visited", visit, exitCode, signal, error });
  }
}

function start({ order, cgroup, container }: RunningAttempt, { what, argv }: VisitRequest): ChildProcess {
  const cwd = join(order.folder, WORKSPACE);
  const enter = container?.enter(cwd) ?? cgroup?.enter([]) ?? [];
  const { env } = order;
  if (what === "command") {
    const whole = [...enter, ...argv];
    return spawn(whole[0]!, whole.slice(1), { cwd, env, detached: true, stdio: "ignore" });
  }
  // The attempt's environment must not act on the host itself (NODE_OPTIONS, say), nor be seen on its command line.
  const host = spawn(argv[0]!, argv.slice(1), { env: {}, detached: true, stdio: ["pipe", "ignore", 2] });
  host.stdin!.on("error", () => {});
  const place: HostPlace = {
    cwd,
    env,
    enter,
    container: container
      ? { enter: container.enter(cwd, ["-i"]), enterTerminal: container.enter(cwd, ["-i", "-t"]) }
      : null,
  };
  host.stdin!.end(JSON.stringify(place));
  return host;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
