import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { type ReadResult, readResult, RESULT_BYTES_MAX } from "../lib/core/result.ts";
import { RESULT } from "./folder.ts";

/** Of the file: with its spaces and line breaks it may be longer than the JSON in it. */
const FILE_BYTES_MAX = 8 * RESULT_BYTES_MAX;

/** What the attempt wrote to $WEFT_RESULT; undefined: nothing. */
export async function resultOf(folder: string): Promise<ReadResult | undefined> {
  // The task may have put a pipe there, which would never answer, or a link.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(folder, RESULT), flags).catch(() => undefined);
  if (!file) return undefined;
  try {
    const info = await file.stat();
    if (!info.isFile()) return undefined;
    if (info.size <= FILE_BYTES_MAX) return readResult(await file.readFile("utf8"));
    return {
      ok: false,
      message: `the result has ${info.size} bytes, more than ${RESULT_BYTES_MAX}; expressions do not see it`,
    };
  } finally {
    await file.close();
  }
}
