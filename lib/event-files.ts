import { WeftError } from "./core/error.ts";
import { createRequester, readBody } from "./request.ts";

/** Where the server has read an event file to, and what keeps it from going on. */
export interface Appended {
  /** Of the first byte that is not taken yet. */
  readonly offset: number;
  /** The bytes at `offset` are no record and never will be. */
  readonly fault?: string;
}

/** The server's end of a run's event files (TensorBoard's), over HTTP. */
export interface EventFileClient {
  /**
   * Gives bytes of a file from `offset`. Only whole records are taken; when the server is elsewhere in the file it takes
   * nothing and says where. Errors: `unavailable` (nobody answered; the same call is right later), `not_found`, `invalid`.
   */
  append(run: string, file: string, offset: number, bytes: Buffer): Promise<Appended>;
  close(): void;
}

/** A tail has time: it comes again soon. */
const RETRY_MS = 1_000;

export function createEventFileClient(options: {
  readonly baseUrl: string | (() => string);
  readonly signal?: AbortSignal;
}): EventFileClient {
  const requester = createRequester({ ...options, retryMs: RETRY_MS });
  return {
    append: (run, file, offset, bytes) => {
      const query = new URLSearchParams({ file, offset: String(offset) });
      const path = `/v1/runs/${run}/events?${query.toString()}`;
      return requester.retry(`send ${file} of run ${run}`, async (send) => {
        const response = await send("POST", path, { "content-type": "application/octet-stream" }, bytes);
        return answerOf(await readBody(response));
      });
    },
    close: () => requester.close(),
  };
}

function answerOf(body: Buffer): Appended {
  const answer = JSON.parse(body.toString()) as Appended;
  if (!Number.isSafeInteger(answer.offset))
    throw new WeftError("internal", `the server answered ${body.toString().slice(0, 200)} instead of an offset`);
  return answer;
}
