import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Store, Stored } from "../../lib/cas.ts";
import { describeError } from "../../lib/core/error.ts";
import { ChangedError, type Opened, OutsideError, PassingError, type Remote } from "./remote.ts";

/** In a row without a byte: with the pauses between them some 25 s, which a restart of a server is over in. */
const TRIES_MAX = 7;
const PAUSE_MS_MIN = 200;
const PAUSE_MS_MAX = 10_000;
/** Of what changes, or cannot be read on, while it is read. */
const STARTS_MAX = 3;

/**
 * Streams it into the store, of which nothing is visible before it is whole. What breaks off is read on where it broke off, if it is still the same;
 * else it is read again. Errors: OutsideError; those of the store.
 */
export async function download(
  store: Store,
  uri: string,
  remote: Remote,
  signal: AbortSignal,
): Promise<Stored & { readonly version: string }> {
  for (let starts = 1; ; starts += 1) {
    try {
      const first = await opening(remote, 0, null, signal);
      const source = Readable.from(bytesOf(remote, first, signal), { objectMode: false });
      const stored = await store.putStream(null, source, first.bytes === null ? {} : { bytes: first.bytes });
      return { ...stored, version: first.version };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof PassingError)
        throw new OutsideError(`${uri} cannot be read: ${describeError(error)} (tried ${TRIES_MAX} times)`);
      if (!(error instanceof ChangedError)) throw error;
      if (starts === STARTS_MAX)
        throw new OutsideError(`${describeError(error)} (read from its start ${STARTS_MAX} times)`);
    }
  }
}

async function* bytesOf(remote: Remote, first: Opened, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const { validator, version } = first;
  let opened = first;
  let at = 0;
  let idle = 0;
  for (;;) {
    const before = at;
    let broken: unknown;
    try {
      for await (const chunk of opened.body) {
        signal.throwIfAborted();
        at += chunk.length;
        yield chunk;
      }
      if (opened.bytes === null || at >= opened.bytes) return;
      broken = new Error("it ended before its end");
    } catch (error) {
      signal.throwIfAborted();
      broken = error;
    }
    idle = at > before ? 0 : idle + 1;
    const message = `it broke off after ${at} bytes: ${describeError(broken)}`;
    if (idle >= TRIES_MAX) throw new PassingError(message);
    // Nothing says that the rest would be of the same thing.
    if (validator === null) throw new ChangedError(message);
    opened = await opening(remote, at, validator, signal);
    if (opened.version !== version) throw new ChangedError(message);
  }
}

/** Tries until there is an answer. */
async function opening(remote: Remote, start: number, validator: string | null, signal: AbortSignal): Promise<Opened> {
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    try {
      return await remote.open(start, validator, signal);
    } catch (error) {
      if (!(error instanceof PassingError) || tries === TRIES_MAX) throw error;
    }
    await delay(Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** tries), undefined, { signal });
  }
}
