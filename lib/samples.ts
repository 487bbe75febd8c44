import type { Sample } from "./core/sample.ts";
import { createRequester, readBody } from "./request.ts";

/** Brings samples to the server, over HTTP. Repeating a call changes nothing. */
export interface SampleClient {
  /** At most SAMPLES_MAX. Errors: `unavailable` (the same call is right later), `invalid`. */
  send(samples: readonly Sample[]): Promise<void>;
  close(): void;
}

/** They come again with the next. */
const RETRY_MS = 1_000;

export function createSampleClient(options: { readonly baseUrl: string | (() => string) }): SampleClient {
  const requester = createRequester({ ...options, retryMs: RETRY_MS });
  return {
    send: (samples) =>
      requester.retry("send system metrics", async (send) => {
        const body = JSON.stringify({ samples });
        await readBody(await send("POST", "/v1/samples", { "content-type": "application/json" }, body));
      }),
    close: () => requester.close(),
  };
}
