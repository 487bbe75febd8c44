import { createServer } from "node:net";

/** A TCP port of 127.0.0.1 that was free a moment ago. Who binds it next must be ready to lose it and ask again. */
export async function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return reject(new Error("the system gave no port"));
      server.close(() => resolve(address.port));
    });
  });
}

/** Whether somebody listens on this port of `host` already, or we may not. 0 (any free port) never is. */
export async function portProblem(host: string, port: number): Promise<"taken" | "forbidden" | null> {
  if (port === 0) return null;
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve("taken");
      else if (error.code === "EACCES") resolve("forbidden");
      else reject(error);
    });
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}
