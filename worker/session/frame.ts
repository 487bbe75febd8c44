import type { Socket } from "node:net";
import { drained } from "../../proto/drained.ts";

/**
 * What the worker and a session host (see main.ts) say to each other over the worker's unix socket: a byte for the kind,
 * four for the length (big endian), then the payload: bytes of a stream, or JSON.
 */
export const FRAMES = {
  /** host → worker, first: the visit's name. */
  hello: 1,
  /** worker → host, second: CommandSpec. */
  start: 2,
  stdin: 3,
  /** No more input. */
  stdinEnd: 4,
  /** WindowSize. */
  resize: 5,
  /** host → worker. */
  stdout: 6,
  stderr: 7,
  /** CommandExit; the last frame. */
  exit: 8,
} as const;

export type FrameKind = keyof typeof FRAMES;

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

export interface CommandSpec {
  readonly argv: readonly string[];
  /** Null: none; stdin, stdout and stderr are pipes. */
  readonly terminal: (WindowSize & { readonly name: string }) | null;
}

export interface CommandExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** errno name, or NO_TERMINAL: it could not be started. */
  readonly error: string | null;
}

/** This machine has no module for terminals (node-pty). */
export const NO_TERMINAL = "NO_TERMINAL";

const HEADER_BYTES = 5;
/** A frame carries what one read gave: 64 KiB, or little more. */
const FRAME_BYTES_MAX = 1024 * 1024;
const KINDS = Object.fromEntries(Object.entries(FRAMES).map(([kind, code]) => [code, kind])) as Record<
  number,
  FrameKind
>;

/** Settles when there is room for more; also when the peer is gone, which is told by the end of its frames. */
export async function writeFrame(socket: Socket, kind: FrameKind, payload: Uint8Array | object = {}): Promise<void> {
  if (!socket.writable) return;
  const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
  for (let from = 0; from === 0 || from < bytes.length; from += FRAME_BYTES_MAX) {
    const part = bytes.subarray(from, from + FRAME_BYTES_MAX);
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    header.writeUInt8(FRAMES[kind], 0);
    header.writeUInt32BE(part.length, 1);
    socket.cork();
    socket.write(header);
    const roomy = socket.write(part);
    socket.uncork();
    if (!roomy) await drained(socket);
  }
}

/** Until the peer ends; a peer that breaks off, or says what is no frame, ends too. Reading is as fast as the loop is. */
export async function* readFrames(socket: Socket): AsyncGenerator<Frame, void> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER_BYTES) {
        const kind = KINDS[rest.readUInt8(0)];
        const length = rest.readUInt32BE(1);
        if (kind === undefined || length > FRAME_BYTES_MAX) return;
        if (rest.length < HEADER_BYTES + length) break;
        yield { kind, payload: rest.subarray(HEADER_BYTES, HEADER_BYTES + length) };
        rest = rest.subarray(HEADER_BYTES + length);
      }
    }
  } catch {
    // Reset: the same as its end.
  }
}
