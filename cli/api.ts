import type { IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { createRequester, readBody } from "../lib/request.ts";
import type { WeftClient } from "../sdk/index.ts";
import { hostOf } from "./address.ts";
import { type ServerOption, withServer } from "./session.ts";

/** The server's JSON over HTTP. Errors are those that it answers, as WeftErrors. */
export interface Api {
  get<T>(what: string, path: string): Promise<T>;
  post<T>(what: string, path: string, body: unknown): Promise<T>;
  /** Bytes, with the headers that they come with. */
  bytes(what: string, path: string): Promise<IncomingMessage>;
  delete(what: string, path: string): Promise<void>;
  /** The answer's lines of JSON as they come. */
  lines(what: string, path: string, body: unknown): AsyncGenerator<unknown>;
}

/** Runs `work` with the HTTP API of the server that the options name. */
export function withApi<T>(options: ServerOption, work: (api: Api, client: WeftClient) => Promise<T>): Promise<T> {
  return withServer(options, async (client) => {
    const { httpPort } = await client.info();
    const requester = createRequester({ baseUrl: `http://${hostOf(client.address)}:${httpPort}` });
    const send = (what: string, method: string, path: string, body?: unknown): Promise<IncomingMessage> =>
      requester.retry(what, (request) =>
        body === undefined
          ? request(method, path)
          : request(method, path, { "content-type": "application/json" }, JSON.stringify(body)),
      );
    const json = async (response: Promise<IncomingMessage>) => JSON.parse((await readBody(await response)).toString());
    try {
      return await work(
        {
          get: (what, path) => json(send(what, "GET", path)),
          post: (what, path, body) => json(send(what, "POST", path, body)),
          bytes: (what, path) => send(what, "GET", path),
          delete: async (what, path) => void (await readBody(await send(what, "DELETE", path))),
          async *lines(what, path, body) {
            const response = await send(what, "POST", path, body);
            for await (const line of createInterface({ input: response })) if (line !== "") yield JSON.parse(line);
          },
        },
        client,
      );
    } finally {
      requester.close();
    }
  });
}
