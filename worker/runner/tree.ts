import { isDead, readMemory, readStat, type ProcessStat } from "./proc.ts";

/** The processes of one attempt that are known, and what they use together. */
export class Tree {
  readonly key: string;
  readonly rootPid: number;
  /** Sampled: what a process used that lived between two looks is not in it, unless its parent waited for it. */
  cpuMs = 0;
  peakMemoryBytes = 0;
  residentBytes = 0;
  readonly #onGone: (pid: number) => void;
  /** Without the root; as they were last seen. */
  readonly #members = new Map<number, ProcessStat>();
  /** Those among them that somebody outside has started in the attempt, with what they started. */
  readonly #visitors = new Set<number>();
  #root: ProcessStat | undefined;
  #lostCpuMs = 0;

  constructor(key: string, rootPid: number, onGone: (pid: number) => void) {
    this.key = key;
    this.rootPid = rootPid;
    this.#onGone = onGone;
  }

  add(stat: ProcessStat, isVisitor = false): void {
    this.#members.set(stat.pid, stat);
    if (isVisitor) this.#visitors.add(stat.pid);
  }

  isVisitor(pid: number): boolean {
    return this.#visitors.has(pid);
  }

  pids(): number[] {
    return [this.rootPid, ...this.#members.keys()];
  }

  /** Descendants of the root that live now, among those known. */
  alive(): ProcessStat[] {
    if (this.#members.size === 0) return [];
    const alive: ProcessStat[] = [];
    for (const [pid, before] of this.#members) {
      const stat = readStat(pid);
      if (isDead(stat) || stat!.startTicks !== before.startTicks) this.#bury(pid, before);
      else {
        this.#members.set(pid, stat!);
        alive.push(stat!);
      }
    }
    return alive;
  }

  measure(): void {
    const members = this.alive();
    const root = readStat(this.rootPid);
    if (!isDead(root)) this.#root = root;
    let cpuMs = this.#lostCpuMs + (this.#root?.cpuMs ?? 0);
    this.residentBytes = 0;
    for (const { pid } of isDead(root) ? members : [root!, ...members]) {
      const memory = readMemory(pid);
      this.residentBytes += memory?.residentBytes ?? 0;
      this.peakMemoryBytes = Math.max(this.peakMemoryBytes, memory?.peakBytes ?? 0);
    }
    for (const member of members) cpuMs += member.cpuMs;
    this.cpuMs = Math.max(this.cpuMs, cpuMs);
    this.peakMemoryBytes = Math.max(this.peakMemoryBytes, this.residentBytes);
  }

  #bury(pid: number, before: ProcessStat): void {
    this.#members.delete(pid);
    this.#visitors.delete(pid);
    this.#onGone(pid);
    // What it used is in its parent's figures if that one is here, and waited for it; else it is kept apart.
    if (before.ppid !== this.rootPid && !this.#members.has(before.ppid)) this.#lostCpuMs += before.cpuMs;
  }
}
