import { type ErrorCode, ERRORS, WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { Sink, StreamContext } from "../../lib/grpc.ts";
import type { ExecRequest__Output } from "../../proto/gen/weft/v1/ExecRequest.ts";
import type { ExecResponse, ExecResponse__Output } from "../../proto/gen/weft/v1/ExecResponse.ts";
import type { ForwardRequest__Output } from "../../proto/gen/weft/v1/ForwardRequest.ts";
import type { ForwardResponse, ForwardResponse__Output } from "../../proto/gen/weft/v1/ForwardResponse.ts";
import type { SessionDown } from "../../proto/gen/weft/v1/SessionDown.ts";
import type { SessionUp__Output } from "../../proto/gen/weft/v1/SessionUp.ts";
import { type Location, locate } from "../core/index.ts";
import type { JobFinder } from "./job-finder.ts";
import type { Reign } from "./reign.ts";
import type { NodeEnd } from "./session-desk.ts";

/** A terminal that nobody has touched, and that has printed nothing, for so long was forgotten. */
const IDLE_MS_MAX = 4 * 3_600_000;
/** However busy: what is to run for longer is a task. */
const SESSION_MS_MAX = 24 * 3_600_000;
const COMMAND_BYTES_MAX = 128 * 1024;
const WINDOW_MAX = 10_000;

interface Target {
  readonly jobId: string;
  readonly task: string;
  readonly index: number;
}

/** How the messages of a session look on the caller's side, and packed on the node's. */
interface Dialect<Request, Response, Received> {
  readonly pack: (request: Request) => SessionDown;
  readonly unpack: (message: SessionUp__Output) => Received | null | undefined;
  /** To the caller; `location` is where the session leads. */
  readonly tell: (received: Received, location: Location & { kind: "running" }) => Response;
}

const EXEC: Dialect<ExecRequest__Output, ExecResponse, ExecResponse__Output> = {
  pack: (exec) => ({ exec }),
  unpack: ({ exec }) => exec,
  tell: (response, { nodeName }) => (response.opened ? { opened: { ...response.opened, node: nodeName } } : response),
};

const FORWARD: Dialect<ForwardRequest__Output, ForwardResponse, ForwardResponse__Output> = {
  pack: (forward) => ({ forward }),
  unpack: ({ forward }) => forward,
  tell: (response, { nodeName }) => (response.opened ? { opened: { ...response.opened, node: nodeName } } : response),
};

/** SessionService, as the leader answers it. */
export class SessionApi {
  readonly #finder: JobFinder;

  constructor(finder: JobFinder) {
    this.#finder = finder;
  }

  async exec(
    requests: AsyncIterable<ExecRequest__Output>,
    sink: Sink<ExecResponse>,
    context: StreamContext,
    reign: Reign,
  ): Promise<void> {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await incoming.next();
    const open = first.done ? null : first.value.open;
    if (!open) throw new WeftError("invalid", "the first request of Exec opens it (open)");
    const bytes = open.command.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
    if (open.command.length === 0 || open.command[0] === "")
      throw new WeftError("invalid", "there is no command to run");
    if (bytes > COMMAND_BYTES_MAX)
      throw new WeftError("invalid", `the command has ${bytes} bytes; at most ${COMMAND_BYTES_MAX} are allowed`);
    const { terminal } = open;
    if (terminal && !(isWindow(terminal.columns) && isWindow(terminal.rows)))
      throw new WeftError(
        "invalid",
        `a terminal of ${terminal.columns} × ${terminal.rows}; 1 to ${WINDOW_MAX} would be right`,
      );
    await this.#hold(EXEC, open, first.value as ExecRequest__Output, incoming, sink, context, reign);
  }

  async forward(
    requests: AsyncIterable<ForwardRequest__Output>,
    sink: Sink<ForwardResponse>,
    context: StreamContext,
    reign: Reign,
  ): Promise<void> {
    const incoming = requests[Symbol.asyncIterator]();
    const first = await incoming.next();
    const open = first.done ? null : first.value.open;
    if (!open) throw new WeftError("invalid", "the first request of Forward opens it (open)");
    if (!(open.port >= 1 && open.port <= 65_535))
      throw new WeftError("invalid", `${open.port} is no port; 1 to 65535 would be right`);
    await this.#hold(FORWARD, open, first.value as ForwardRequest__Output, incoming, sink, context, reign);
  }

  async #hold<Request, Response, Received>(
    dialect: Dialect<Request, Response, Received>,
    target: Target,
    first: Request,
    incoming: AsyncIterator<Request>,
    sink: Sink<Response>,
    context: StreamContext,
    reign: Reign,
  ): Promise<void> {
    const location = await this.#locate(target, reign);
    await reign.sessions.hold(location.node, location.key, context.signal, async (end) => {
      await end.sink.write(dialect.pack(first));
      const up = async (): Promise<void> => {
        for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
          limits.touch();
          await end.sink.write(dialect.pack(next.value));
        }
      };
      const down = async (): Promise<void> => {
        for (let next = await end.messages.next(); !next.done; next = await end.messages.next()) {
          limits.touch();
          const { failed } = next.value;
          if (failed) throw new WeftError(codeOf(failed.code), failed.message);
          const received = dialect.unpack(next.value);
          if (received) await sink.write(dialect.tell(received, location));
        }
      };
      const limits = new Limits();
      try {
        await Promise.race([down(), failing(up()), brokenOff(end, location.nodeName), limits.over]);
      } finally {
        limits.stop();
      }
    });
  }

  async #locate({ jobId, task, index }: Target, reign: Reign): Promise<Location & { kind: "running" }> {
    const id = await this.#finder.resolve(jobId);
    const location = reign.loop.read((state) => locate(state, id, task, index));
    if (location?.kind === "running") return location;
    const name = index === 0 ? task : `${task}[${index}]`;
    if (location) {
      const remedy = `\`weft explain ${id} ${task}\` says why`;
      throw new WeftError("failed_precondition", `${name} is ${location.state}, not running; ${remedy}`);
    }
    throw await this.#missing(id, task, index);
  }

  async #missing(id: JobId, task: string, index: number): Promise<WeftError> {
    const job = await this.#finder.get(id);
    const names = job.row.spec.tasks.map(({ name }) => name);
    if (!names.includes(task)) return new WeftError("not_found", `job ${id} has no task "${task}"${hint(task, names)}`);
    if (job.progress.finishedAtMs === null) return new WeftError("not_found", `${task} has no instance ${index}`);
    return new WeftError("failed_precondition", `job ${id} has ended (${job.progress.state}); nothing of it runs`);
  }
}

/** Ends with an error only. */
async function failing(work: Promise<void>): Promise<never> {
  await work;
  return new Promise<never>(() => {});
}

function brokenOff({ context: { signal } }: NodeEnd, nodeName: string): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => {
      const { reason } = signal as { reason: unknown };
      reject(
        reason instanceof WeftError && reason.message !== "the caller has gone"
          ? reason
          : new WeftError(
              "unavailable",
              `node ${nodeName} broke the session off: its agent has gone, or its connection`,
            ),
      );
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

/** How long a session may last, and lie idle. */
class Limits {
  readonly over: Promise<never>;
  #timer: NodeJS.Timeout | undefined;
  readonly #beganMs = performance.now();
  #touchedMs = this.#beganMs;

  constructor() {
    this.over = new Promise((_, reject) => this.#watch(reject));
    // When it is stopped nobody waits for it.
    this.over.catch(() => undefined);
  }

  touch(): void {
    this.#touchedMs = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #watch(reject: (error: WeftError) => void): void {
    const nowMs = performance.now();
    const idleLeftMs = this.#touchedMs + IDLE_MS_MAX - nowMs;
    const leftMs = this.#beganMs + SESSION_MS_MAX - nowMs;
    if (leftMs <= 0)
      return reject(new WeftError("unavailable", `a session lasts ${SESSION_MS_MAX / 3_600_000} h at most`));
    if (idleLeftMs <= 0)
      return reject(
        new WeftError("unavailable", `nothing passed for ${IDLE_MS_MAX / 3_600_000} h; the session was closed`),
      );
    this.#timer = setTimeout(() => this.#watch(reject), Math.min(idleLeftMs, leftMs));
    this.#timer.unref();
  }
}

function codeOf(text: string): ErrorCode {
  return text in ERRORS ? (text as ErrorCode) : "internal";
}

function isWindow(size: number): boolean {
  return Number.isInteger(size) && size >= 1 && size <= WINDOW_MAX;
}
