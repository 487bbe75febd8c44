import { constants } from "node:os";
import type { ProcessExit } from "./launch.ts";
import type { PosixSpawn } from "./posix-spawn.ts";

/** A signal is a hint: who is left is looked at again after this, in milliseconds. */
const LOOK_MS = 500;

const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Waits for the children that `PosixSpawn` has started; those of Node's own spawn are left to Node. */
export class Exits {
  readonly #spawner: PosixSpawn;
  readonly #expected = new Map<number, (exit: ProcessExit) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(spawner: PosixSpawn) {
    this.#spawner = spawner;
    process.on("SIGCHLD", () => this.#look());
  }

  /** `onExit` is called once, in a later turn. */
  expect(pid: number, onExit: (exit: ProcessExit) => void): void {
    this.#expected.set(pid, onExit);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #look(): void {
    for (let pid = this.#spawner.nextEnded(); pid !== 0; pid = this.#spawner.nextEnded()) {
      // Somebody else's, who may not have seen it yet: it hides those behind it.
      if (!this.#wait(pid)) {
        for (const own of this.#expected.keys()) this.#wait(own);
        break;
      }
    }
    if (this.#expected.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** False: it has not ended, or is not ours. */
  #wait(pid: number): boolean {
    const onExit = this.#expected.get(pid);
    const end = onExit && this.#spawner.wait(pid);
    if (!end) return false;
    this.#expected.delete(pid);
    const { status, cpuMs, peakMemoryBytes } = end;
    // man 2 wait: the low 7 bits are the signal, the next byte the exit code.
    const signal = status & 0x7f;
    const how = signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: nameOf(signal) };
    // What it had is never less than what this process had when it made it; only more than that says something.
    const isOwn = peakMemoryBytes > process.resourceUsage().maxRSS * 1024;
    onExit({ ...how, cpuMs, peakMemoryBytes: isOwn ? peakMemoryBytes : 0 });
    return true;
  }
}

function nameOf(signal: number): string {
  return SIGNALS.get(signal) ?? `signal ${signal}`;
}
