/** Wall time between two words of progress, in milliseconds: a person sees it move, and the terminal is left alone. */
const PROGRESS_EVERY_MS = 200;

/** Shows how far a replay is, on one line of a terminal; says nothing where there is none. */
export class Progress {
  readonly #out: NodeJS.WriteStream;
  #saidMs = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  say(policy: string, ended: number, jobs: number): void {
    if (!this.#out.isTTY || performance.now() - this.#saidMs < PROGRESS_EVERY_MS) return;
    this.#saidMs = performance.now();
    this.#out.write(`\r\x1b[K${policy}: ${ended} of ${jobs} jobs (${Math.floor((100 * ended) / jobs)} %)`);
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write("\r\x1b[K");
  }
}
