import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { WeftError } from "../lib/core/error.ts";

export const GRPC_PORT_DEFAULT = 8081;

export interface Address {
  /** HOST:PORT of the server's gRPC. */
  readonly address: string;
  /** Where it comes from, for people: what to change when it is wrong. */
  readonly from: string;
}

export interface AddressSources {
  readonly flag: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/**
 * The server to speak to: --server, then WEFT_SERVER, then the weft.json of a running cluster (in WEFT_HOME, else in .weft of
 * this folder or one above it), then the default port of this machine.
 */
export function findAddress({ flag, env, cwd }: AddressSources): Address {
  if (flag !== undefined) return { address: checkAddress(flag, "--server"), from: "--server" };
  const variable = env["WEFT_SERVER"];
  if (variable) return { address: checkAddress(variable, "WEFT_SERVER"), from: "WEFT_SERVER" };
  const home = env["WEFT_HOME"];
  const files = home ? [join(resolve(cwd, home), "weft.json")] : weftFilesAbove(cwd);
  for (const file of files) {
    const address = readWeftFile(file);
    if (address !== undefined) return { address, from: file };
  }
  const looked = home ? `there is no ${files[0]}` : "no weft.json was found";
  return { address: `127.0.0.1:${GRPC_PORT_DEFAULT}`, from: `the default; ${looked}` };
}

function weftFilesAbove(cwd: string): string[] {
  const files: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    files.push(join(folder, ".weft", "weft.json"));
    if (folder === dirname(folder)) return files;
  }
}

/** Undefined when the file is not there or tells no address: a cluster that runs writes it whole. */
function readWeftFile(file: string): string | undefined {
  let grpc: unknown;
  try {
    grpc = (JSON.parse(readFileSync(file, "utf8")) as { grpc?: unknown }).grpc;
  } catch {
    return undefined;
  }
  if (typeof grpc === "number") return `127.0.0.1:${grpc}`;
  return typeof grpc === "string" && HOST_PORT.test(grpc) ? grpc : undefined;
}

const HOST_PORT = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

function checkAddress(text: string, from: string): string {
  const right = `write HOST:PORT of the server's gRPC, like 127.0.0.1:${GRPC_PORT_DEFAULT}`;
  const match = HOST_PORT.exec(text);
  const port = Number(match?.[2]);
  if (match && port >= 1 && port <= 65_535) return text;
  throw new WeftError("invalid", `${from} is "${text}", which is not an address; ${right}`);
}

/** The host alone, as it stands in a URL. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
