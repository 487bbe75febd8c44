import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export interface Received {
  readonly path: string;
  readonly id: string;
  readonly body: {
    readonly text: string;
    readonly event?: string;
    readonly job?: { readonly id: string; readonly state: string };
  };
}

/** An HTTP server that keeps what it is sent. */
export class Receiver {
  readonly received: Received[] = [];
  /** What it answers; a function is asked for each. "hang": nothing at all. */
  answer: (path: string) => number | "hang" = () => 200;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (part: string) => (text += part));
      request.on("end", () => {
        const path = request.url ?? "";
        this.received.push({ path, id: String(request.headers["weft-notification-id"]), body: JSON.parse(text) });
        const status = this.answer(path);
        if (status !== "hang") response.writeHead(status).end();
      });
    });
  }

  static async start(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(port, "127.0.0.1", resolve));
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A mail server that keeps what it is sent. Refuses recipients that begin with "nobody". */
export async function startMailbox(): Promise<{
  readonly url: string;
  readonly mails: { readonly to: string[]; readonly source: string }[];
  stop(): Promise<void>;
}> {
  const mails: { to: string[]; source: string }[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onRcptTo({ address }, _session, done) {
      const unknown = Object.assign(new Error("no such mailbox"), { responseCode: 550 });
      done(address.startsWith("nobody") ? unknown : null);
    },
    onData(stream, session, done) {
      let source = "";
      stream.setEncoding("utf8").on("data", (part: string) => (source += part));
      stream.on("end", () => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), source });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
