/** A writable stream, as far as one must know it to wait for room. */
export interface Drainable {
  readonly destroyed?: boolean;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

/** `status` is the end of a gRPC call, which is no `close` there. */
const EVENTS = ["drain", "close", "status"];

/** After a `write` that gave false: settles when there is room again, also when the stream is gone. */
export function drained(stream: Drainable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of EVENTS) stream.off(event, settle);
      resolve();
    };
    for (const event of EVENTS) stream.on(event, settle);
    if (stream.destroyed) settle();
  });
}
