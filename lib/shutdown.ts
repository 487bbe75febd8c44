import { describeError } from "./core/error.ts";

/** The steps of a stop, and what asks for it. */
export interface Shutdown {
  /** Steps run in the reverse of this order, one after the other; one that fails is reported and the next runs. */
  readonly onStop: (name: string, stop: () => Promise<void> | void) => void;
  /** Resolves, with why, as soon as a stop is asked for. */
  readonly requested: Promise<string>;
  /** Aborted at the same moment. */
  readonly signal: AbortSignal;
  /** Asks for a stop, for a reason of the program's own. */
  readonly request: (reason: string) => void;
  /** Resolves when all steps have run. False: some step failed, or took longer than it may. */
  readonly finished: Promise<boolean>;
}

export interface ShutdownOptions {
  readonly say: (line: string) => void;
  /** A step that takes longer than this is left behind, so that one hung peer does not hold the process for ever. */
  readonly stepLimitMs?: number;
  /** Called before a second signal ends the process at once. Must not wait for anything. */
  readonly onForced?: () => void;
}

/** Longer than a drain of gRPC streams and NATS takes, shorter than what service managers wait before SIGKILL (90 s). */
const STEP_LIMIT_MS = 15_000;
/** npm hands on the signal that the terminal gave us already: twice within this is once. */
const SAME_SIGNAL_MS = 300;
/** Exit code of a process that a second Ctrl-C ended: 128 + SIGINT. */
const INTERRUPTED = 130;

/**
 * Stops in order on SIGINT, SIGTERM, SIGHUP, and when the parent that started us with an IPC channel is gone. A second
 * SIGINT or SIGTERM ends the process at once.
 */
export function stopInOrder(options: ShutdownOptions): Shutdown {
  const steps: { name: string; stop: () => Promise<void> | void }[] = [];
  const controller = new AbortController();
  let ask: (reason: string) => void = () => {};
  const requested = new Promise<string>((resolve) => (ask = resolve));
  const request = (reason: string): void => {
    ask(reason);
    controller.abort(reason);
  };
  let firstMs: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      const now = performance.now();
      // A terminal that closes may send several; only a person or a manager who asks again means it.
      if (firstMs !== undefined && now - firstMs > SAME_SIGNAL_MS && signal !== "SIGHUP") {
        options.onForced?.();
        process.exit(INTERRUPTED);
      }
      firstMs ??= now;
      request(signal);
    });
  }
  if (process.connected) {
    process.once("disconnect", () => request("the process that started this one is gone"));
    // A program that could not start ends by itself: the channel alone must not keep it.
    process.channel?.unref();
  }
  const finished = requested.then(async () => {
    let clean = true;
    for (const step of steps.reverse()) {
      const fault = await runStep(step.stop, options.stepLimitMs ?? STEP_LIMIT_MS);
      if (fault === null) continue;
      clean = false;
      options.say(`stopping ${step.name}: ${fault}`);
    }
    return clean;
  });
  return {
    onStop: (name, stop) => void steps.push({ name, stop }),
    requested,
    signal: controller.signal,
    request,
    finished,
  };
}

async function runStep(stop: () => Promise<void> | void, limitMs: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`not done after ${limitMs / 1000} s`), limitMs);
  });
  try {
    return await Promise.race([Promise.resolve(stop()).then(() => null), late]);
  } catch (error) {
    return describeError(error);
  } finally {
    clearTimeout(timer);
  }
}
