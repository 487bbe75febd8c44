import http from "node:http";
import https from "node:https";
import {
  ChangedError,
  CONNECT_MS_MAX,
  IDLE_MS_MAX,
  isPassing,
  type Opened,
  OutsideError,
  PassingError,
  type Remote,
} from "./remote.ts";

const REDIRECTS_MAX = 5;

/** An object behind http or https. */
export function httpRemote(uri: string): Remote {
  return {
    open: async (start, validator, signal) => {
      // What is decoded on the way has another length, and another digest, than what lies there.
      const headers: Record<string, string> = { "accept-encoding": "identity", accept: "*/*" };
      if (start > 0) Object.assign(headers, { range: `bytes=${start}-`, "if-range": validator ?? "" });
      const response = await follow(uri, headers, signal);
      return opened(uri, start, response);
    },
  };
}

async function follow(
  uri: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  let at = uri;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const response = await get(at, headers, signal);
    const { statusCode = 0, headers: answer } = response;
    if (![301, 302, 303, 307, 308].includes(statusCode) || answer.location === undefined) return response;
    response.destroy();
    if (!URL.canParse(answer.location, at)) throw new OutsideError(`${uri} leads to something that is no URL`);
    const next = new URL(answer.location, at);
    if (!["http:", "https:"].includes(next.protocol))
      throw new OutsideError(`${uri} leads to ${next.protocol}//, which is not read`);
    at = next.href;
  }
  throw new OutsideError(`${uri} leads on and on; at most ${REDIRECTS_MAX} redirects are followed`);
}

function get(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith("https:") ? https : http).get(url, { headers, signal, timeout: CONNECT_MS_MAX });
    // One that is kept from the request before is connected already.
    request.on("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => request.setTimeout(IDLE_MS_MAX));
      else request.setTimeout(IDLE_MS_MAX);
    });
    request.on("response", resolve);
    request.on("timeout", () => request.destroy(new Error("nothing came for too long")));
    request.on("error", (error) =>
      reject(
        signal.aborted
          ? (signal.reason as Error)
          : new PassingError(`${new URL(url).host} does not answer: ${error.message}`, { cause: error }),
      ),
    );
  });
}

function opened(uri: string, start: number, response: http.IncomingMessage): Opened {
  const { statusCode = 0, statusMessage = "", headers } = response;
  const refuse = (error: Error): never => {
    response.destroy();
    throw error;
  };
  if (statusCode === 412 || statusCode === 416 || (statusCode === 200 && start > 0))
    refuse(new ChangedError(`${uri} changed while it was read, or cannot be read from the middle`));
  if (statusCode !== 200 && statusCode !== 206) {
    const what = `${uri} answered ${statusCode} ${statusMessage}`.trimEnd();
    refuse(isPassing(statusCode) ? new PassingError(what) : new OutsideError(what));
  }
  const { etag = "", "last-modified": modified = "" } = headers;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers["content-range"] ?? "");
  if (statusCode === 206 && Number(range?.[1]) !== start)
    refuse(new ChangedError(`${uri} answered with another part than was asked for`));
  const whole = statusCode === 206 ? range?.[2] : headers["content-length"];
  return {
    version: etag === "" ? modified : etag.replaceAll('"', ""),
    validator: etag.startsWith('"') ? etag : null,
    bytes: whole === undefined || whole === "*" ? null : Number(whole),
    body: response as AsyncIterable<Uint8Array>,
  };
}
