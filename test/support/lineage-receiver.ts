import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

type Json = Record<string, any>;

export interface LineagePost {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly events: readonly Json[];
}

/** Another's server of OpenLineage that keeps what it took. */
export class LineageReceiver {
  readonly posts: LineagePost[] = [];
  /** Events that were answered with 2xx, in their order. */
  readonly taken: Json[] = [];
  /** What it answers, and for a batch with which body. By default it takes single events and knows no batches, as Marquez does. */
  answer: (post: LineagePost) => number | readonly [number, Json] = ({ path }) => (path.endsWith("/batch") ? 404 : 201);
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<LineageReceiver> {
    const receiver = new LineageReceiver();
    await receiver.listen();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Again on its port, after `stop`. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const bytes = Buffer.concat(chunks);
        const plain = request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
        const body = JSON.parse(plain.toString("utf8")) as Json | Json[];
        const post = { path: request.url ?? "", headers: request.headers, events: Array.isArray(body) ? body : [body] };
        this.posts.push(post);
        const answer = this.answer(post);
        const [status, said] = typeof answer === "number" ? [answer, null] : answer;
        if (status < 300) this.taken.push(...post.events);
        response
          .writeHead(status, { "content-type": "application/json" })
          .end(said === null ? "" : JSON.stringify(said));
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  }
}
