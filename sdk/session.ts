import type { ExecRequest } from "../proto/gen/weft/v1/ExecRequest.ts";
import type { ExecResponse__Output } from "../proto/gen/weft/v1/ExecResponse.ts";
import type { ForwardRequest } from "../proto/gen/weft/v1/ForwardRequest.ts";
import type { ForwardResponse__Output } from "../proto/gen/weft/v1/ForwardResponse.ts";
import { WeftClientError } from "./error.ts";
import type { Duplex } from "./link.ts";

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ExecOptions {
  readonly task: string;
  /** Of a mapped task; default 0. */
  readonly index?: number;
  /** An argument list; no shell sees it. */
  readonly command: readonly string[];
  /** Absent: none; stdout and stderr stay apart, byte for byte. `term`: TERM there. */
  readonly terminal?: WindowSize & { readonly term: string };
  /** Raised: the command is ended. */
  readonly signal?: AbortSignal;
}

export type ExecOutput =
  /** `attempt`: job.task.index.attempt */
  | { readonly kind: "opened"; readonly node: string; readonly attempt: string }
  /** With a terminal everything comes as stdout. */
  | { readonly kind: "stdout" | "stderr"; readonly data: Buffer }
  /** The last. `exitCode` null: a signal ended it. */
  | { readonly kind: "exit"; readonly exitCode: number | null; readonly signal: string };

export interface Exec {
  readonly output: AsyncGenerator<ExecOutput, void>;
  /** To its stdin; settles when it can take more. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): Promise<void>;
  resize(size: WindowSize): Promise<void>;
  /** Ends the command if it has not ended. */
  cancel(): void;
}

export interface ForwardOptions {
  readonly task: string;
  readonly index?: number;
  readonly port: number;
  readonly signal?: AbortSignal;
}

export interface Forwarded {
  /** Until the other end has no more to say. */
  readonly data: AsyncGenerator<Buffer, void>;
  write(bytes: Uint8Array): Promise<void>;
  /** No more is written; data may still come. */
  end(): Promise<void>;
  /** After both directions have ended: settles when the other end has had all of it. */
  settled(): Promise<void>;
  cancel(): void;
}

export async function openExec(
  call: Duplex<ExecRequest, ExecResponse__Output>,
  jobId: string,
  options: ExecOptions,
): Promise<Exec> {
  const { terminal } = options;
  await call.write({
    open: {
      jobId,
      task: options.task,
      index: options.index ?? 0,
      command: [...options.command],
      term: terminal?.term ?? "",
      ...(terminal ? { terminal: { columns: terminal.columns, rows: terminal.rows } } : {}),
    },
  });
  return {
    output: execOutput(call, options.signal),
    write: (bytes) => call.write({ stdin: bytes }),
    endInput: () => call.write({ stdinEnd: true }),
    resize: ({ columns, rows }) => call.write({ resize: { columns, rows } }),
    cancel: () => call.cancel(),
  };
}

async function* execOutput(
  call: Duplex<ExecRequest, ExecResponse__Output>,
  signal: AbortSignal | undefined,
): AsyncGenerator<ExecOutput, void> {
  try {
    for await (const response of call.messages) {
      const { opened, stdout, stderr, exit } = response;
      if (opened) yield { kind: "opened", node: opened.node, attempt: opened.attempt };
      if (stdout) yield { kind: "stdout", data: stdout };
      if (stderr) yield { kind: "stderr", data: stderr };
      if (exit) return yield { kind: "exit", exitCode: exit.exitCode ?? null, signal: exit.signal };
    }
    if (!signal?.aborted)
      throw new WeftClientError("unavailable", "the server ended the session; the command was ended");
  } finally {
    call.cancel();
  }
}

export async function openForward(
  call: Duplex<ForwardRequest, ForwardResponse__Output>,
  jobId: string,
  options: ForwardOptions,
): Promise<Forwarded> {
  await call.write({ open: { jobId, task: options.task, index: options.index ?? 0, port: options.port } });
  return {
    data: forwardedData(call),
    write: (data) => call.write({ data }),
    end: () => call.write({ end: true }),
    settled: async () => {
      while (!(await call.messages.next()).done);
    },
    cancel: () => call.cancel(),
  };
}

async function* forwardedData(call: Duplex<ForwardRequest, ForwardResponse__Output>): AsyncGenerator<Buffer, void> {
  // By hand: to leave a loop over the messages would end the call, and the other direction with it.
  for (let next = await call.messages.next(); !next.done; next = await call.messages.next()) {
    const { data, end } = next.value;
    if (data) yield data;
    if (end) return;
  }
}
