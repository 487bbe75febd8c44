import { createServer, type Server, type Socket } from "node:net";
import { WeftError } from "../lib/core/error.ts";
import { drained } from "../proto/drained.ts";
import type { Forwarded } from "../sdk/index.ts";

/** A listener on this machine, each of whose connections is carried by a session of its own. */
export class Tunnel {
  readonly #server: Server;
  readonly #open: (signal: AbortSignal) => Promise<Forwarded>;
  readonly #onError: (message: string) => void;
  readonly #closing = new AbortController();
  readonly #sockets = new Set<Socket>();

  /** `open`: makes the session of a connection. `onError`: told why a connection could not be carried. */
  constructor(open: (signal: AbortSignal) => Promise<Forwarded>, onError: (message: string) => void) {
    this.#open = open;
    this.#onError = onError;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => void this.#carry(socket));
  }

  /** On 127.0.0.1; port 0: any free one. Returns the port. Throws `failed_precondition` when it is taken. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => {
        const taken = error.code === "EADDRINUSE" ? "is taken" : `cannot be listened on (${error.code})`;
        reject(
          new WeftError(
            "failed_precondition",
            `port ${port} of this machine ${taken}; choose another with --local-port`,
          ),
        );
      });
      this.#server.listen(port, "127.0.0.1", resolve);
    });
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    this.#closing.abort();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #carry(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    const gone = new AbortController();
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#sockets.delete(socket);
      gone.abort();
    });
    try {
      const forwarded = await this.#open(AbortSignal.any([this.#closing.signal, gone.signal]));
      await Promise.all([up(socket, forwarded), down(forwarded, socket)]);
      await forwarded.settled();
      socket.destroySoon();
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#onError((error as Error).message);
      // As a connection that was refused, or that broke, looks to whoever made it.
      socket.resetAndDestroy();
    }
  }
}

async function up(socket: Socket, forwarded: Forwarded): Promise<void> {
  // The default iterator closes the other direction too when this one has ended.
  for await (const bytes of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    await forwarded.write(bytes);
  await forwarded.end();
}

async function down(forwarded: Forwarded, socket: Socket): Promise<void> {
  for await (const bytes of forwarded.data) if (!socket.write(bytes)) await drained(socket);
  socket.end();
}
