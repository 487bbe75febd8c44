import { existsSync } from "node:fs";
import type { Enclosure } from "./enclosure.ts";
import { Marks } from "./marks.ts";
import { isThread, lastPid, listPids, pidMax, readStat, type ProcessStat } from "./proc.ts";
import { Tree } from "./tree.ts";

/** With more new numbers than this since the last look, listing what is there is quicker than asking for each. */
const NEW_PIDS_MAX = 2000;
/**
 * A number is given out shortly before its process can be seen: between the two the kernel may take the CPU away. Until
 * then whoever forks is there itself, and so is found, killed and looked for again.
 */
const YOUNG_MS = 50;
/** Numbers below are given out once, at boot (kernel/pid.c, RESERVED_PIDS). */
const PID_MIN = 300;

/**
 * Which processes belong to which attempt. A process belongs when it is the attempt's own, when its parent, process
 * group or session is one that belongs, or, for one whose parents are gone, when it carries the attempt's mark (see
 * Marks); one that hides all of that and sits in the runner's enclosure belongs to the only attempt that can have started
 * it, once there is one. Who belonged once does so until it is dead.
 *
 * The kernel gives out numbers in sequence and says the last one, so each process is looked at once, when it is new, and
 * an attempt that started none costs one read.
 */
export class Census {
  readonly #marks: Marks;
  readonly #enclosure: Enclosure | undefined;
  readonly #trees = new Set<Tree>();
  /** Roots, members and hosts. */
  readonly #owners = new Map<number, Tree>();
  /** Processes from some attempt of ours, with those from which they may be. */
  readonly #stranded = new Map<number, { readonly startTicks: number; readonly suspects: Set<Tree> }>();
  /** Programs that start something in an attempt for somebody outside; what they start is the attempt's, they are not. */
  readonly #hosts = new Set<number>();
  /** Started by the runner itself since the last look. */
  readonly #ours = new Set<number>();
  #young: { readonly pid: number; readonly untilNowMs: number }[] = [];
  #seenTo = lastPid();

  /** `attemptsDir`: where the folders of this runner's attempts lie. */
  constructor(attemptsDir: string, enclosure?: Enclosure) {
    this.#marks = new Marks(attemptsDir);
    this.#enclosure = enclosure;
  }

  /** A process that the runner has just started. */
  track(key: string, pid: number): Tree {
    const tree = new Tree(key, pid, (member) => this.#owners.delete(member));
    // What was made before the only attempt there is cannot come from it.
    if (this.#trees.size === 0) this.#seenTo = pid;
    else this.#ours.add(pid);
    this.#trees.add(tree);
    this.#owners.set(pid, tree);
    return tree;
  }

  /** A process that the runner has just started in an attempt, for somebody outside (see VisitRequest). */
  admit(tree: Tree, pid: number, what: "command" | "host"): void {
    this.#ours.add(pid);
    this.#owners.set(pid, tree);
    if (what === "host") this.#hosts.add(pid);
    const stat = what === "command" ? readStat(pid) : undefined;
    if (stat) tree.add(stat, true);
  }

  /** A host has ended. */
  dismiss(tree: Tree, pid: number): void {
    // Whom it has left behind is still known by it.
    this.refresh();
    this.#hosts.delete(pid);
    if (this.#owners.get(pid) === tree) this.#owners.delete(pid);
  }

  untrack(tree: Tree): void {
    this.#trees.delete(tree);
    for (const pid of this.#hosts) if (this.#owners.get(pid) === tree) this.#owners.delete(pid);
    for (const pid of tree.pids()) if (this.#owners.get(pid) === tree) this.#owners.delete(pid);
    if (this.#stranded.size > 0) this.#assignStranded();
  }

  /** Finds what was started since the last call, by anybody, and gives it to the attempt it belongs to. */
  refresh(): void {
    const last = lastPid();
    if (last === this.#seenTo && this.#young.length === 0) return;
    const nowMs = performance.now();
    let enclosed: ReadonlySet<number> | undefined;
    for (const pid of this.#newPids(last, nowMs)) {
      // The runner sits in its enclosure too, and is nobody's.
      if (pid === process.pid || this.#owners.has(pid) || !existsSync(`/proc/${pid}`)) continue;
      this.#young = this.#young.filter((young) => young.pid !== pid);
      const stat = readStat(pid);
      if (!stat) continue;
      enclosed ??= new Set(this.#enclosure?.pids());
      // Who is not in the enclosure was started by somebody else, or by one of ours that it is seen with.
      const relative = this.#relativeOf(stat);
      const tree = relative?.tree ?? (this.#enclosure && !enclosed.has(pid) ? undefined : this.#markedBy(stat));
      if (tree && !isThread(pid)) this.#adopt(tree, stat, relative?.isVisitor ?? false);
      // Numbers that wrapped around, or too many of them, bring back who was looked at before.
      else if (!tree && enclosed.has(pid) && this.#stranded.get(pid)?.startTicks !== stat.startTicks) {
        this.#stranded.set(pid, { startTicks: stat.startTicks, suspects: new Set(this.#trees) });
      }
    }
    if (this.#stranded.size > 0) this.#assignStranded();
  }

  #newPids(last: number, nowMs: number): number[] {
    const again = this.#young.map(({ pid }) => pid);
    const fresh = between(this.#seenTo, last).filter((pid) => !this.#ours.has(pid));
    this.#ours.clear();
    this.#seenTo = last;
    const young = fresh.map((pid) => ({ pid, untilNowMs: nowMs + YOUNG_MS }));
    this.#young = [...this.#young.filter(({ untilNowMs }) => untilNowMs > nowMs), ...young].slice(-NEW_PIDS_MAX);
    return [...again, ...fresh];
  }

  #relativeOf(stat: ProcessStat): { readonly tree: Tree; readonly isVisitor: boolean } | undefined {
    for (const pid of [stat.ppid, stat.pgrp, stat.session]) {
      const tree = this.#owners.get(pid);
      if (tree) return { tree, isVisitor: this.#hosts.has(pid) || tree.isVisitor(pid) };
    }
    return undefined;
  }

  #markedBy(stat: ProcessStat): Tree | undefined {
    const key = this.#marks.keyOf(stat);
    return key === undefined ? undefined : [...this.#trees].find((tree) => tree.key === key);
  }

  #adopt(tree: Tree, stat: ProcessStat, isVisitor: boolean): void {
    tree.add(stat, isVisitor);
    this.#owners.set(stat.pid, tree);
  }

  /** Another attempt's process is never taken for this one's: who cannot be told apart lives until its last suspect ends. */
  #assignStranded(): void {
    for (const [pid, { startTicks, suspects }] of this.#stranded) {
      for (const tree of suspects) if (!this.#trees.has(tree)) suspects.delete(tree);
      const stat = readStat(pid);
      const [tree] = suspects;
      if (stat?.startTicks === startTicks && suspects.size === 1) this.#adopt(tree!, stat, false);
      if (stat?.startTicks !== startTicks || suspects.size <= 1) this.#stranded.delete(pid);
    }
  }
}

/** Numbers given out after `from`, up to `to`, which wrap around; all that are in use when they are too many or not known. */
function between(from: number, to: number): number[] {
  const wraps = to < from;
  const count = wraps ? pidMax() - from + to - PID_MIN : to - from;
  if (!(count <= NEW_PIDS_MAX)) return listPids();
  const pids: number[] = [];
  for (let pid = from + 1; pid <= (wraps ? pidMax() : to); pid += 1) pids.push(pid);
  for (let pid = PID_MIN; wraps && pid <= to; pid += 1) pids.push(pid);
  return pids;
}
