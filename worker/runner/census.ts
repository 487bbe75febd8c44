import { sep } from "node:path";
import type { Enclosure } from "./enclosure.ts";
import {
  isDead,
  lastPid,
  listPids,
  readEnvironment,
  readLink,
  readMemory,
  readStat,
  type ProcessStat,
} from "./proc.ts";

/**
 * Which processes belong to which attempt. A process belongs when it is the attempt's own, when its parent, process
 * group or session is one that belongs, or, for one whose parents are gone, when it carries the attempt's mark in its
 * environment, prints into the attempt's spool, or works in its workspace. Who belonged once does so until it is dead,
 * so a process that was seen with its parent may clear its environment and move away.
 */
export class Census {
  readonly #marks: Marks;
  readonly #trees = new Map<number, Tree>();
  /** Processes found not to belong: not looked at again unless their number was given out anew. */
  #foreign = new Set<number>();
  #spawned = 0;
  #scannedTo = NaN;
  readonly #enclosure: Enclosure | undefined;
  /** Processes from some attempt of ours, with those from which they may be. */
  readonly #stranded = new Map<number, Stranded>();

  /** `attemptsDir`: where the folders of this runner's attempts lie. */
  constructor(attemptsDir: string, enclosure?: Enclosure) {
    this.#marks = new Marks(attemptsDir);
    this.#enclosure = enclosure;
  }

  /** A process that the runner has just started. */
  track(key: string, pid: number): Tree {
    this.#spawned += 1;
    this.#foreign.delete(pid);
    const tree = new Tree(key, pid, { pid, spawned: this.#spawned });
    this.#trees.set(pid, tree);
    return tree;
  }

  untrack(tree: Tree): void {
    this.#trees.delete(tree.rootPid);
  }

  /**
   * True when it is certain, at the price of one read, that the attempt started no process that still lives: the
   * kernel gives out numbers in sequence, and all that were given out since the last scan went to roots of attempts.
   */
  startedNothing(tree: Tree): boolean {
    const { pid, spawned } = tree.mark;
    if (this.#stranded.size > 0 || lastPid() - pid !== this.#spawned - spawned) return false;
    return tree.alive().every((member) => member === tree.rootPid);
  }

  /** Reads all processes, and brings every tree's members and usage up to date. */
  scan(): void {
    const last = lastPid();
    const mark = { pid: last, spawned: this.#spawned };
    const found = this.#read(last);
    const owner = new Owners(this.#trees, this.#marks, found);
    for (const tree of this.#trees.values()) tree.begin();
    const enclosed = new Set(this.#enclosure?.pids());
    enclosed.delete(process.pid);
    for (const stat of found.values()) {
      const tree = owner.of(stat) ?? (enclosed.has(stat.pid) ? this.#suspect(stat) : undefined);
      if (tree) tree.see(stat);
      else if (!enclosed.has(stat.pid)) this.#foreign.add(stat.pid);
    }
    for (const pid of this.#stranded.keys()) if (!found.has(pid)) this.#stranded.delete(pid);
    for (const tree of this.#trees.values()) tree.finish(mark);
    this.#scannedTo = last;
  }

  /** Processes that carry the mark of an attempt of this folder, whichever runner started them. */
  strays(): ProcessStat[] {
    return listPids()
      .flatMap((pid) => readStat(pid) ?? [])
      .filter((stat) => !isDead(stat) && this.#marks.keyOf(stat) !== undefined);
  }

  /**
   * From which attempt is a process that has nothing in common with any? From one that was there when it was first seen;
   * once only one of those is left, from that one. Another one's process is never taken for it.
   */
  #suspect(stat: ProcessStat): Tree | undefined {
    let stranded = this.#stranded.get(stat.pid);
    if (stranded?.startTicks !== stat.startTicks) {
      stranded = { startTicks: stat.startTicks, suspects: new Set(this.#trees.values()) };
      this.#stranded.set(stat.pid, stranded);
    }
    const suspects = [...stranded.suspects].filter((tree) => this.#trees.get(tree.rootPid) === tree);
    return suspects.length === 1 ? suspects[0] : undefined;
  }

  #read(last: number): Map<number, ProcessStat> {
    const found = new Map<number, ProcessStat>();
    const foreign = new Set<number>();
    for (const pid of listPids()) {
      if (this.#foreign.has(pid) && !this.#isNew(pid, last)) foreign.add(pid);
      else {
        const stat = readStat(pid);
        if (stat) found.set(pid, stat);
      }
    }
    this.#foreign = foreign;
    return found;
  }

  /** May the number have been given out since the last scan? They wrap around at the highest. */
  #isNew(pid: number, last: number): boolean {
    if (!(last >= this.#scannedTo)) return pid > this.#scannedTo || pid <= last || Number.isNaN(last);
    return pid > this.#scannedTo && pid <= last;
  }
}

interface Stranded {
  readonly startTicks: number;
  readonly suspects: ReadonlySet<Tree>;
}

interface Member {
  readonly startTicks: number;
  readonly ppid: number;
  readonly pgrp: number;
  readonly cpuMs: number;
}

/** The processes of one attempt. */
export class Tree {
  readonly key: string;
  readonly rootPid: number;
  /** Sampled: what a process used that lived between two looks is not in it, unless its parent waited for it. */
  cpuMs = 0;
  peakMemoryBytes = 0;
  residentBytes = 0;
  mark: { readonly pid: number; readonly spawned: number };
  #members = new Map<number, Member>();
  #seen = new Map<number, Member>();
  #lostCpuMs = 0;

  constructor(key: string, rootPid: number, mark: Tree["mark"]) {
    this.key = key;
    this.rootPid = rootPid;
    this.mark = mark;
  }

  /** Members of the last scan that are in this one too. */
  membersIn(found: ReadonlyMap<number, ProcessStat>): number[] {
    return [...this.#members].flatMap(([pid, member]) =>
      found.get(pid)?.startTicks === member.startTicks ? [pid] : [],
    );
  }

  /** Members of the last scan that have not died since. */
  alive(): number[] {
    return [...this.#members].flatMap(([pid, member]) => {
      const stat = readStat(pid);
      return isDead(stat) || stat!.startTicks !== member.startTicks ? [] : [pid];
    });
  }

  /** Those of them that a signal to the root's process group does not reach. */
  aliveOutsideGroup(): number[] {
    return this.alive().filter((pid) => this.#members.get(pid)!.pgrp !== this.rootPid);
  }

  begin(): void {
    this.#seen = new Map();
    this.residentBytes = 0;
  }

  see(stat: ProcessStat): void {
    if (isDead(stat)) return;
    this.#seen.set(stat.pid, stat);
    const memory = readMemory(stat.pid);
    this.residentBytes += memory?.residentBytes ?? 0;
    this.peakMemoryBytes = Math.max(this.peakMemoryBytes, memory?.peakBytes ?? 0);
  }

  finish(mark: Tree["mark"]): void {
    // What a dead member used is in its parent's figures if that one is here and waited for it; else it is kept apart.
    for (const [pid, member] of this.#members) {
      if (!this.#seen.has(pid) && pid !== this.rootPid && !this.#seen.has(member.ppid)) this.#lostCpuMs += member.cpuMs;
    }
    this.#members = this.#seen;
    let cpuMs = this.#lostCpuMs;
    for (const member of this.#members.values()) cpuMs += member.cpuMs;
    this.cpuMs = Math.max(this.cpuMs, cpuMs);
    this.peakMemoryBytes = Math.max(this.peakMemoryBytes, this.residentBytes);
    this.mark = mark;
  }
}

/** Finds the tree of each process of one scan, each once. */
class Owners {
  readonly #trees: ReadonlyMap<number, Tree>;
  readonly #marks: Marks;
  readonly #found: ReadonlyMap<number, ProcessStat>;
  readonly #known = new Map<number, Tree | undefined>();
  readonly #byKey: ReadonlyMap<string, Tree>;

  constructor(trees: ReadonlyMap<number, Tree>, marks: Marks, found: ReadonlyMap<number, ProcessStat>) {
    this.#trees = trees;
    this.#marks = marks;
    this.#found = found;
    this.#byKey = new Map([...trees.values()].map((tree) => [tree.key, tree]));
    for (const tree of trees.values()) {
      for (const pid of tree.membersIn(found)) this.#known.set(pid, tree);
    }
  }

  of(stat: ProcessStat): Tree | undefined {
    if (this.#known.has(stat.pid)) return this.#known.get(stat.pid);
    // Set first: a chain of parents has no ring, but a group or session may name the process itself.
    this.#known.set(stat.pid, undefined);
    const tree = this.#byRelation(stat) ?? this.#byKey.get(this.#marks.keyOf(stat) ?? "");
    this.#known.set(stat.pid, tree);
    return tree;
  }

  #byRelation(stat: ProcessStat): Tree | undefined {
    for (const pid of [stat.pid, stat.pgrp, stat.session, stat.ppid]) {
      const root = this.#trees.get(pid);
      if (root) return root;
      const relative = pid === stat.pid ? undefined : this.#found.get(pid);
      const tree = relative && this.of(relative);
      if (tree) return tree;
    }
    return undefined;
  }
}

/** What an attempt leaves on its descendants. */
class Marks {
  readonly #prefix: string;
  readonly #reapers: ReadonlySet<number> = ancestors();

  constructor(attemptsDir: string) {
    this.#prefix = attemptsDir + sep;
  }

  /** The attempt that the process says it belongs to, among those of this folder. */
  keyOf(stat: ProcessStat): string | undefined {
    const [key, result] = readEnvironment(stat.pid, ["WEFT_ATTEMPT_KEY", "WEFT_RESULT"]);
    // Another agent's attempt on the same machine has its own runner to look after it.
    if (key !== undefined && result !== undefined) return this.#keyIn(result) === key ? key : undefined;
    if (key !== undefined) return key;
    // These hold for orphans only: somebody may have stepped into a workspace to look around.
    if (!this.#reapers.has(stat.ppid) || stat.onTerminal) return undefined;
    for (const name of ["fd/1", "fd/2", "cwd"]) {
      const key = this.#keyIn(readLink(stat.pid, name));
      if (key !== undefined) return key;
    }
    return undefined;
  }

  #keyIn(path: string | undefined): string | undefined {
    return path?.startsWith(this.#prefix) ? path.slice(this.#prefix.length).split(sep)[0] : undefined;
  }
}

/** Orphans go to the nearest ancestor that takes them in (man 2 PR_SET_CHILD_SUBREAPER), at the latest to process 1. */
function ancestors(): Set<number> {
  const pids = new Set([1]);
  for (let stat = readStat("self"); stat && stat.ppid > 0; stat = readStat(stat.ppid)) pids.add(stat.ppid);
  return pids;
}
