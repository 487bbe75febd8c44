import { Option } from "commander";
import { createArtifactClient, type ArtifactClient } from "../lib/artifacts.ts";
import { connect, WeftClientError, type WeftClient } from "../sdk/index.ts";
import { type Address, findAddress, hostOf } from "./address.ts";

export interface ServerOption {
  readonly server?: string;
}

export function serverOption(): Option {
  return new Option(
    "--server <host:port>",
    "gRPC address of the server (else WEFT_SERVER, else weft.json, else 127.0.0.1:8081)",
  );
}

/** Runs `work` with a client of the server that the options name, and closes it. */
export async function withServer<T>(options: ServerOption, work: (client: WeftClient) => Promise<T>): Promise<T> {
  const address = findAddress({ flag: options.server, env: process.env, cwd: process.cwd() });
  const client = connect(address.address);
  try {
    return await work(client);
  } catch (error) {
    throw isUnreachable(error) ? unreachable(error, address) : error;
  } finally {
    client.close();
  }
}

/** The store of the same server, over HTTP. */
export async function withStore<T>(client: WeftClient, work: (store: ArtifactClient) => Promise<T>): Promise<T> {
  const { httpPort } = await client.info();
  const store = createArtifactClient({ baseUrl: `http://${hostOf(client.address)}:${httpPort}` });
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

function isUnreachable(error: unknown): error is WeftClientError {
  return error instanceof WeftClientError && error.code === "unavailable" && error.message.startsWith("no Weft server");
}

function unreachable(error: WeftClientError, { from }: Address): WeftClientError {
  const remedy =
    from === "--server" || from === "WEFT_SERVER"
      ? "Is that the gRPC port, and does the server run?"
      : "Start one with `npm start` (or `weft up`), or name one with --server HOST:PORT or WEFT_SERVER.";
  return new WeftClientError("unavailable", `${error.message} (from ${from}). ${remedy}`, { cause: error });
}
