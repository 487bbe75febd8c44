/** A part of the cluster that runs. */
export interface Running {
  /** Resolves, with how, when it ended, whoever ended it. */
  readonly ended: Promise<string>;
  readonly stop: () => Promise<void>;
  readonly pid: number;
}

export interface Kept {
  /** Stops it and does not start it again. */
  readonly stop: () => Promise<void>;
  /** Of the process that runs now; undefined between two. */
  readonly pid: () => number | undefined;
}

export interface KeepOptions {
  readonly name: string;
  readonly first: Running;
  readonly startAgain: () => Promise<Running>;
  readonly say: (line: string) => void;
}

/** The first restart comes at once for the eye, */
const FIRST_DELAY_MS = 200;
/** the later ones must not keep a machine busy with a part that cannot start. */
const MAX_DELAY_MS = 10_000;
/** One that lived this long starts over with the first delay. */
const HEALTHY_MS = 60_000;

/** Starts a part again whenever it ends without being told to, with growing pauses, and says so. */
export function keepAlive(options: KeepOptions): Kept {
  const { name, say } = options;
  let stopping = false;
  let wake: () => void = () => {};
  let current: Running | undefined = options.first;
  let delayMs = FIRST_DELAY_MS;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const startUntilItRuns = async (): Promise<void> => {
    while (!stopping) {
      await pause();
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS);
      if (stopping) return;
      try {
        current = await options.startAgain();
        say(`${name} runs again (pid ${current.pid})`);
        return;
      } catch (error) {
        say(`${name} did not start: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };

  const watching = (async () => {
    while (current !== undefined) {
      const bornMs = performance.now();
      const how = await current.ended;
      current = undefined;
      if (stopping) return;
      if (performance.now() - bornMs > HEALTHY_MS) delayMs = FIRST_DELAY_MS;
      say(`${name} ended unexpectedly (${how}); starting it again`);
      await startUntilItRuns();
    }
  })();

  return {
    pid: () => current?.pid,
    stop: async () => {
      stopping = true;
      wake();
      await current?.stop();
      await watching;
      // It may have come up while we were told to stop.
      await current?.stop();
    },
  };
}
