import { execFile } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { kernelOomKills } from "./proc.ts";
import type { ContainerOrder, ContainerRecord } from "./protocol.ts";

/** In the attempt's folder: which container is to go if the runner dies. */
const CONTAINER = "container.json";
/** An engine answers in a second; one that does not in this time hangs. */
const ENGINE_MS_MAX = 30_000;
/** Before an engine that refused to remove the container is asked again. */
const RETRY_MS = 500;
/** 128 + SIGKILL: what a container ends with when the kernel has killed its main process. */
const KILLED = 137;
const ABSENT = /no such container|no container with name/i;

/**
 * The container of an attempt. Its processes are the engine's and not the runner's, so that it is the engine that is asked
 * to end them, by the container's name; the runner's own child is only the client that shows what they print.
 *
 *   there   → halted, gone
 *   halted  its processes were killed; the client will end. → gone
 *   gone    removed, after the client had ended: nothing of it can appear any more
 */
export class Container {
  readonly #order: ContainerOrder;
  readonly #env: Readonly<Record<string, string>>;
  readonly #oomKillsBefore = kernelOomKills();
  #halting = false;
  #removing = false;
  gone = false;
  /** The kernel killed it because it had reached its memory limit. */
  outOfMemory = false;

  constructor(order: ContainerOrder, env: Readonly<Record<string, string>>, folder: string) {
    this.#order = order;
    this.#env = env;
    record(folder, { ...order, env: { ...env } });
  }

  /** `exec` in it, for somebody who steps in. */
  enter(cwd: string, flags: readonly string[] = []): string[] {
    return [this.#order.engine, "exec", ...flags, "--workdir", cwd, this.#order.name];
  }

  /** Kills its processes, once; `then` is called when the engine has answered, however. */
  halt(then: () => void): void {
    if (this.#halting) return;
    this.#halting = true;
    void ask(this.#order.engine, ["kill", "--signal", "KILL", this.#order.name], this.#env).then(then);
  }

  /** Once the client has ended. May be called again. */
  remove(exitCode: number | null): void {
    if (this.#removing || this.gone) return;
    this.#removing = true;
    void this.#remove(exitCode);
  }

  async #remove(exitCode: number | null): Promise<void> {
    const { engine, name } = this.#order;
    if (exitCode === KILLED) {
      const answer = await ask(engine, ["inspect", "--format", "{{.State.OOMKilled}}", name], this.#env);
      // Podman says nothing of processes other than the first, and little where control groups are of version 1.
      this.outOfMemory = answer.output.trim() === "true" || kernelOomKills() > this.#oomKillsBefore;
    }
    this.gone = await removeByName(this.#order, this.#env);
    if (!this.gone) setTimeout(() => (this.#removing = false), RETRY_MS);
  }
}

/** Those whose runner has died; nobody can say any more how they end. */
export async function removeStrayContainer(folder: string): Promise<boolean> {
  let found: ContainerRecord;
  try {
    found = JSON.parse(readFileSync(join(folder, CONTAINER), "utf8")) as ContainerRecord;
  } catch {
    return false;
  }
  return removeByName(found, found.env);
}

async function removeByName({ engine, name }: ContainerOrder, env: Readonly<Record<string, string>>): Promise<boolean> {
  await ask(engine, ["kill", "--signal", "KILL", name], env);
  const { ok, output } = await ask(engine, ["rm", "--force", "--volumes", name], env);
  return ok || ABSENT.test(output);
}

function ask(
  engine: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly ok: boolean; readonly output: string }> {
  return new Promise((resolve) => {
    // The marks of the attempt are left out: what removes a container must not be killed as one of its processes.
    const { WEFT_ATTEMPT_KEY: _, WEFT_RESULT: __, ...rest } = env;
    execFile(engine, args, { env: rest, cwd: "/", timeout: ENGINE_MS_MAX }, (error, stdout, stderr) =>
      resolve({ ok: error === null, output: stdout + stderr }),
    );
  });
}

function record(folder: string, what: ContainerRecord): void {
  try {
    const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const file = openSync(join(folder, CONTAINER), flag, 0o600);
    writeSync(file, JSON.stringify(what));
    closeSync(file);
  } catch {
    // The disk is full: then it is found by nobody but its engine, should this runner die.
  }
}
