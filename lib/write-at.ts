import type { FileHandle } from "node:fs/promises";
import { CHUNK_BYTES } from "./digest.ts";

/**
 * Writes what the source yields to the file from `start` on, and gives how many bytes that were. A socket yields 64 KiB at a time: they are
 * gathered, since each write costs a change of threads, and while one is under way the next gathers. `look` sees each chunk before it is
 * written; what it throws ends all.
 */
export async function writeAt(
  file: FileHandle,
  source: AsyncIterable<Buffer>,
  start: number,
  look: (chunk: Buffer) => void,
): Promise<number> {
  let at = start;
  let gathered: Buffer[] = [];
  let bytes = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async (): Promise<void> => {
    await writing;
    writing = writeWhole(file, gathered, bytes, at);
    // Who awaits it comes later.
    writing.catch(() => {});
    at += bytes;
    gathered = [];
    bytes = 0;
  };
  try {
    for await (const chunk of source) {
      look(chunk);
      gathered.push(chunk);
      bytes += chunk.length;
      if (bytes >= CHUNK_BYTES) await flush();
    }
    if (bytes > 0) await flush();
  } finally {
    // Nothing may write to a file that is closed.
    await writing;
  }
  return at - start;
}

async function writeWhole(file: FileHandle, buffers: readonly Buffer[], bytes: number, at: number): Promise<void> {
  let { bytesWritten: done } = await file.writev(buffers, at);
  if (done === bytes) return;
  // A disk that is nearly full takes a part, and says so at the next write.
  const whole = Buffer.concat(buffers);
  while (done < bytes) done += (await file.write(whole, done, bytes - done, at + done)).bytesWritten;
}
