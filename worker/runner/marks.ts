import { sep } from "node:path";
import { isDead, listPids, readEnvironment, readLink, readStat, type ProcessStat } from "./proc.ts";

/** What an attempt leaves on its descendants: variables, and for orphans where they print to and where they work. */
export class Marks {
  readonly #prefix: string;
  readonly #reapers: ReadonlySet<number> = ancestors();

  constructor(attemptsDir: string) {
    this.#prefix = attemptsDir + sep;
  }

  /** The attempt of this folder that the process says it belongs to; undefined: none. */
  keyOf(stat: ProcessStat): string | undefined {
    const [key, result] = readEnvironment(stat.pid, ["WEFT_ATTEMPT_KEY", "WEFT_RESULT"]);
    // Another agent's attempt on the same machine has its own runner to look after it.
    if (key !== undefined && result !== undefined) return this.#keyIn(result) === key ? key : undefined;
    if (key !== undefined) return key;
    // These hold for orphans only: somebody may have stepped into a workspace to look around.
    if (!this.#reapers.has(stat.ppid) || stat.onTerminal) return undefined;
    for (const name of ["fd/1", "fd/2", "cwd"]) {
      const found = this.#keyIn(readLink(stat.pid, name));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All processes with a mark of this folder, whoever started them. */
  bearers(): ProcessStat[] {
    return listPids()
      .flatMap((pid) => readStat(pid) ?? [])
      .filter((stat) => !isDead(stat) && this.keyOf(stat) !== undefined);
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
