import type { ClientDuplexStream } from "@grpc/grpc-js";
import { connect, type Socket } from "node:net";
import { describeError, WeftError } from "../lib/core/error.ts";
import type { AttemptKey, NodeId } from "../lib/core/ids.ts";
import { drained } from "../proto/drained.ts";
import type { Peer, PeerMethod } from "../lib/grpc.ts";
import type { Log } from "../lib/log.ts";
import { weftServices } from "../proto/channel.ts";
import type { ExecOpen__Output } from "../proto/gen/weft/v1/ExecOpen.ts";
import type { SessionDown__Output } from "../proto/gen/weft/v1/SessionDown.ts";
import type { SessionUp } from "../proto/gen/weft/v1/SessionUp.ts";
import { type CommandOutput, NO_TERMINAL, type TaskCommand, type Worker } from "../worker/index.ts";

/** Sessions that were dialled for: the server repeats its asking until it has heard the dial. */
const REMEMBERED_MAX = 2_000;
/** Where a program that listens on localhost can be: some take the one address, some the other. */
const LOOPBACKS = ["127.0.0.1", "::1"];
/** What a shell gives when it cannot run a command; scripts know these. */
const NOT_FOUND_EXIT = 127;
const NOT_EXECUTABLE_EXIT = 126;
/** When no terminal says what it is. */
const TERM_DEFAULT = "xterm-256color";

type Call = ClientDuplexStream<SessionUp, SessionDown__Output>;

export interface SessionsOptions {
  readonly peer: Peer;
  readonly node: NodeId;
  readonly worker: Pick<Worker, "exec">;
  readonly log: Log;
}

/** Dials the server for each session that it asks for, and carries what passes between it and the attempt. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #dialled = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  follow(orders: readonly { readonly session: string; readonly key: string }[]): void {
    for (const { session, key } of orders) {
      if (this.#dialled.has(session) || this.#stopping.signal.aborted) continue;
      this.#dialled.add(session);
      if (this.#dialled.size > REMEMBERED_MAX) this.#dialled.delete(this.#dialled.values().next().value!);
      const serving = this.#serve(session, key as AttemptKey).finally(() => this.#running.delete(serving));
      this.#running.add(serving);
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #serve(session: string, key: AttemptKey): Promise<void> {
    const { peer, node, log } = this.#options;
    const method = weftServices().AgentService.service.Session as PeerMethod<SessionUp, SessionDown__Output>;
    let call: Call | undefined;
    try {
      call = await peer.duplexStream(method, { signal: this.#stopping.signal });
      // Whatever ends the call ends what it carried, also while that waits for something else.
      const gone = new AbortController();
      call.on("error", () => gone.abort());
      call.on("status", () => gone.abort());
      await send(call, { hello: { session, nodeId: node } });
      await this.#carry(call, key, gone.signal);
    } catch (error) {
      const known = error instanceof WeftError ? error : new WeftError("internal", describeError(error));
      if (!(error instanceof WeftError)) log.error({ err: error, key }, "a session failed");
      if (call) await send(call, { failed: { code: known.code, message: known.message } });
    } finally {
      call?.end();
    }
  }

  async #carry(call: Call, key: AttemptKey, gone: AbortSignal): Promise<void> {
    const messages = (call[Symbol.asyncIterator] as () => AsyncIterator<SessionDown__Output>).call(call);
    // The server hung up: it says why in the status, and there is nothing to tell it.
    const first = await messages.next().catch(() => undefined);
    if (!first || first.done) return;
    const { exec, forward } = first.value;
    if (exec?.open) return this.#exec(call, messages, key, exec.open, gone);
    if (forward?.open) return carryConnection(call, messages, key, forward.open.port, gone);
    throw new WeftError("invalid", "the server opened the session with something that this agent does not know");
  }

  async #exec(
    call: Call,
    messages: AsyncIterator<SessionDown__Output>,
    key: AttemptKey,
    open: ExecOpen__Output,
    gone: AbortSignal,
  ): Promise<void> {
    const terminal = open.terminal && { ...open.terminal, name: open.term || TERM_DEFAULT };
    const command = await this.#options.worker.exec(key, { argv: open.command, terminal });
    gone.addEventListener("abort", () => command.close());
    try {
      if (gone.aborted) return;
      await send(call, { exec: { opened: { attempt: key, node: "" } } });
      void feed(messages, command).catch(() => command.close());
      for await (const output of command.output) {
        if (output.kind !== "exit") await send(call, { exec: { [output.kind]: output.bytes } });
        else return await tellExit(call, output, open.command[0]!);
      }
      if (!gone.aborted)
        throw new WeftError("unavailable", "the command's host on the node is gone; the command was ended");
    } finally {
      command.close();
    }
  }
}

/** Settles when there is room for more; what cannot be sent any more is dropped. */
async function send(call: Call, message: SessionUp): Promise<void> {
  if (call.writable && !call.write(message)) await drained(call);
}

async function feed(messages: AsyncIterator<SessionDown__Output>, command: TaskCommand): Promise<void> {
  for (let next = await messages.next(); !next.done; next = await messages.next()) {
    const { exec } = next.value;
    switch (exec?.message) {
      case "stdin":
        await command.write(exec.stdin!);
        break;
      case "stdinEnd":
        await command.endInput();
        break;
      case "resize":
        await command.resize(exec.resize!);
        break;
      default:
    }
  }
}

async function tellExit(call: Call, exit: CommandOutput & { kind: "exit" }, name: string): Promise<void> {
  const { exitCode, signal, error } = exit;
  if (error === null) {
    await send(call, { exec: { exit: { ...(exitCode === null ? {} : { exitCode }), signal: signal ?? "" } } });
    return;
  }
  if (error === NO_TERMINAL) {
    throw new WeftError(
      "failed_precondition",
      "this node has no module for terminals (node-pty is not there for its platform); run the command without one (-T)",
    );
  }
  const missing = error === "ENOENT";
  const why = missing ? `there is no command "${name}" in the task's environment` : `"${name}" cannot be run: ${error}`;
  await send(call, { exec: { stderr: Buffer.from(`weft: ${why}\n`) } });
  await send(call, { exec: { exit: { exitCode: missing ? NOT_FOUND_EXIT : NOT_EXECUTABLE_EXIT, signal: "" } } });
}

/** One TCP connection, each direction until its own end. */
async function carryConnection(
  call: Call,
  messages: AsyncIterator<SessionDown__Output>,
  key: AttemptKey,
  port: number,
  gone: AbortSignal,
): Promise<void> {
  const socket = await dial(port);
  const reset = new Promise<never>((_, reject) => {
    socket.on("error", (error) =>
      reject(new WeftError("unavailable", `the connection to port ${port} broke: ${error.message}`)),
    );
    gone.addEventListener("abort", () => {
      socket.destroy();
      reject(new WeftError("unavailable", "the caller has gone"));
    });
  });
  reset.catch(() => undefined);
  try {
    await send(call, { forward: { opened: { attempt: key, node: "" } } });
    const up = async (): Promise<void> => {
      // The default iterator closes the other direction too when this one has ended.
      for await (const data of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
        await send(call, { forward: { data } });
      await send(call, { forward: { end: true } });
    };
    const down = async (): Promise<void> => {
      for (let next = await messages.next(); !next.done; next = await messages.next()) {
        const { forward } = next.value;
        if (forward?.message === "data" && !socket.write(forward.data!)) await drained(socket);
        if (forward?.message === "end") return void socket.end();
      }
    };
    await Promise.race([Promise.all([up(), down()]), reset]);
  } finally {
    // What was written last still leaves.
    if (gone.aborted) socket.destroy();
    else socket.destroySoon();
  }
}

async function dial(port: number): Promise<Socket> {
  let failure = "";
  for (const host of LOOPBACKS) {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      socket.once("connect", () => resolve(undefined));
      socket.once("error", resolve);
    });
    socket.removeAllListeners("error");
    if (!error) return socket;
    // No IPv6 on the machine says nothing about the program.
    if (failure === "") failure = error.code ?? error.message;
  }
  const why =
    failure === "ECONNREFUSED"
      ? `nothing listens on port ${port} of the task's machine (127.0.0.1)`
      : `port ${port} of the task's machine cannot be reached: ${failure}`;
  throw new WeftError("failed_precondition", why);
}
