import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** Bytes stop passing, in both directions, and nobody is told: a pulled cable. */
  silence(): void;
  /** Connections are cut, and new ones refused. */
  cut(): void;
  /** New connections pass again. */
  mend(): void;
  close(): Promise<void>;
}

/** Stands between two parts that are to lose each other. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  let mode: "open" | "silent" | "cut" = "open";
  const sockets = new Set<Socket>();
  const server = createServer((downstream) => {
    if (mode === "cut") {
      downstream.destroy();
      return;
    }
    const upstream = connect(target);
    const ends = [downstream, upstream] as const;
    for (const socket of ends) {
      sockets.add(socket);
      const other = socket === downstream ? upstream : downstream;
      socket.on("data", (bytes) => mode === "silent" || other.write(bytes));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        if (mode !== "silent") other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => void (mode = "silent"),
    cut: () => {
      mode = "cut";
      cutAll();
    },
    mend: () => {
      cutAll();
      mode = "open";
    },
    close: async () => {
      mode = "cut";
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
