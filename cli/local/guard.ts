import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/**
 * A server that goes down with us, also when we are killed with -9. A shell replaces itself by the server (so that the pid we
 * know is the server's own) after leaving a watcher behind. The watcher reads a pipe whose other end only we hold: when
 * we close it, or die in whatever way, it sends the stop signal, waits, and kills. An ordered stop sends the signal from here.
 *
 * The watcher is a grandchild, because Postgres takes the death of a child it does not know for the crash of a backend.
 * It reads descriptor 9, because a shell gives background commands an empty stdin, and lets go of descriptor 3, Node's channel.
 */
const GUARD = `
stop=$1 grace=$2 linger=$3 remove=$4; shift 4
pass() { left=$(($1 * 20)); while [ $left -gt 0 ] && kill -0 $$; do sleep 0.05; left=$((left - 1)); done; }
exec 9<&0
( (
  cat <&9
  pass "$linger"
  kill -s "$stop" $$
  pass "$grace"
  kill -s KILL $$
  [ -z "$remove" ] && exit
  for try in 1 2 3 4 5 6; do rm -rf "$remove" && exit; sleep 0.5; done
) 3>&- >/dev/null 2>&1 & )
exec "$@" 9<&- </dev/null
`;

/** After our death the agent and the server stop first (0.1 s when the machine is not busy), on Postgres and NATS that still answer. */
export const LINGER_SECONDS = 1;

export interface GuardOptions {
  /** What asks the server to stop in order: SIGINT is Postgres' fast shutdown. */
  readonly stopSignal: "INT" | "TERM";
  /** Seconds it is given before SIGKILL. */
  readonly graceSeconds: number;
  /** Seconds it runs on after our death, for those that need it to stop in order. */
  readonly lingerSeconds?: number;
  /** File that gets stdout and stderr. A file and not a pipe, since writing to a pipe whose reader died would kill it. */
  readonly logFile: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The account to run as, where we are root and the server refuses to be. */
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /** Gives the program a channel to us, should it be Node (process.send). Called with what it sends. */
  readonly onMessage?: (message: unknown) => void;
  /** A folder that the watcher deletes once the server has ended. */
  readonly removeAfter?: string;
}

export interface Guarded {
  readonly pid: number;
  /** Resolves, once the process is gone, with how it ended ("exit code 1", "signal SIGKILL"). */
  readonly ended: Promise<string>;
  /** True after `ended`. */
  readonly isOver: () => boolean;
  /** Asks it to stop, escalates after the grace, resolves when it is gone. */
  readonly stop: () => Promise<void>;
}

/** Starts `command` under guard. Rejects when the shell cannot be started; a missing `command` ends with code 127. */
export async function startGuarded(command: string, args: readonly string[], options: GuardOptions): Promise<Guarded> {
  const log = openSync(options.logFile, "a", 0o600);
  let child: ChildProcess;
  try {
    child = spawn(
      "sh",
      [
        "-c",
        GUARD,
        "guard",
        options.stopSignal,
        String(options.graceSeconds),
        String(options.lingerSeconds ?? 0),
        options.removeAfter ?? "",
        command,
        ...args,
      ],
      {
        // Its own session: Ctrl-C in a terminal reaches us alone, and we stop the parts in order.
        detached: true,
        stdio: options.onMessage === undefined ? ["pipe", log, log] : ["pipe", log, log, "ipc"],
        cwd: options.cwd,
        env: options.env ?? process.env,
        ...(options.account === undefined ? {} : { uid: options.account.uid, gid: options.account.gid }),
      },
    );
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  } finally {
    closeSync(log);
  }
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => {
      over = true;
      child.stdin?.destroy();
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
  child.stdin?.on("error", () => {});
  child.on("error", () => {});
  if (options.onMessage !== undefined) child.on("message", options.onMessage);
  const stop = async (): Promise<void> => {
    child.kill(`SIG${options.stopSignal}`);
    const timer = setTimeout(() => child.kill("SIGKILL"), options.graceSeconds * 1000);
    await ended;
    clearTimeout(timer);
  };
  return { pid: child.pid!, ended, isOver: () => over, stop };
}
