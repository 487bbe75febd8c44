import { decodeEntry, type JournalEntry, Records } from "../../agent/core/record.ts";
import type { Chance } from "./chance.ts";
import type { Life } from "./host.ts";

/** As in agent/journal.ts, in milliseconds. */
const LAZY_MS = 100;
/** A write is done at once, and its sync takes this long, in milliseconds. */
const SYNC_MS = 2;

interface Write {
  readonly entries: readonly JournalEntry[];
  /**
   * `append` is known when it is on the disk, the others at once; `jot` is written late and not synced. `note` is done when it is
   * written, `append` and `secure` when they are on the disk.
   */
  readonly mode: "append" | "note" | "secure" | "jot";
  readonly done: () => void;
}

/** The file: whole lines, of which a crash of the machine keeps those that were synced and any number of the rest. */
export class SimJournal {
  readonly #lines: string[] = [];
  #synced = 0;

  /** As the agent finds it at its start. */
  replay(): Records {
    const records = new Records();
    for (const line of this.#lines) {
      const entry = decodeEntry(line);
      if (entry) records.apply(entry);
    }
    return records;
  }

  put(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#lines.push(JSON.stringify(entry));
  }

  sync(): void {
    this.#synced = this.#lines.length;
  }

  crash(chance: Chance): void {
    this.#lines.length = chance.whole(this.#synced, this.#lines.length);
    this.#synced = this.#lines.length;
  }
}

/** An agent's hand on its journal. */
export class JournalWriter {
  readonly records: Records;
  readonly #file: SimJournal;
  readonly #life: Life;
  readonly #chance: Chance;
  #waiting: Write[] = [];
  #writing: readonly Write[] = [];
  #later = false;

  constructor(file: SimJournal, life: Life, chance: Chance) {
    this.#file = file;
    this.#life = life;
    this.#chance = chance;
    this.records = file.replay();
  }

  append(entries: readonly JournalEntry[], done: () => void): void {
    this.#add({ entries, mode: "append", done });
  }

  note(entries: readonly JournalEntry[], done: () => void): void {
    for (const entry of entries) this.records.apply(entry);
    this.#add({ entries, mode: "note", done });
  }

  secure(entry: JournalEntry, done: () => void): void {
    this.records.apply(entry);
    this.#add({ entries: [entry], mode: "secure", done });
  }

  jot(entry: JournalEntry): void {
    this.records.apply(entry);
    this.#add({ entries: [entry], mode: "jot", done: () => {} });
  }

  #add(write: Write): void {
    this.#waiting.push(write);
    if (this.#writing.length > 0) return;
    if (write.mode !== "jot") this.#write();
    else this.#writeLater();
  }

  #writeLater(): void {
    if (this.#later) return;
    this.#later = true;
    this.#life.after(LAZY_MS, () => {
      this.#later = false;
      if (this.#writing.length === 0 && this.#waiting.length > 0) this.#write();
    });
  }

  #write(): void {
    this.#writing = this.#waiting;
    this.#waiting = [];
    // Not before the rest of this turn, as the agent does.
    this.#life.after(0, () => {
      this.#file.put(this.#writing.flatMap(({ entries }) => entries));
      for (const { mode, done } of this.#writing) if (mode === "note") done();
      this.#life.after(this.#chance.tailed(SYNC_MS), () => this.#synced());
    });
  }

  #synced(): void {
    const batch = this.#writing;
    if (batch.some(({ mode }) => mode !== "jot")) this.#file.sync();
    this.#writing = [];
    for (const { entries, mode, done } of batch) {
      if (mode === "append") for (const entry of entries) this.records.apply(entry);
      if (mode === "append" || mode === "secure") done();
    }
    if (this.#writing.length > 0 || this.#waiting.length === 0) return;
    if (this.#waiting.some(({ mode }) => mode !== "jot")) this.#write();
    else this.#writeLater();
  }
}
