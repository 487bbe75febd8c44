import { constants } from "node:fs";
import { createRequire } from "node:module";
import type { LibraryHandle } from "koffi";

/** Appending: a process that opens /dev/stderr anew then writes at the end too. */
export const LOG_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND;
export const LOG_MODE = 0o600;

export interface Placement {
  readonly cwd: string;
  /** An open file. */
  readonly stdin: number;
  /** Paths; opened with LOG_FLAGS. */
  readonly stdout: string;
  readonly stderr: string;
}

export interface Waited {
  /** As wait4 gives it. */
  readonly status: number;
  readonly cpuMs: number;
  /** At least the most that this process had when it started the other. */
  readonly peakMemoryBytes: number;
}

/** The C library's own way to start a process: the child borrows this process's memory until it executes. */
export interface PosixSpawn {
  /** Gives the pid, once the program runs, as leader of a session. Undefined: it was not started, for whatever reason. */
  start(argv: readonly string[], env: Readonly<Record<string, string>>, placement: Placement): number | undefined;
  /** A child of this process that has ended and was not waited for; 0: there is none. */
  nextEnded(): number;
  /** Undefined: it has not ended. */
  wait(pid: number): Waited | undefined;
}

/** spawn.h and wait.h of Linux, the same in glibc and musl. */
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** Larger than posix_spawnattr_t (336 bytes in glibc), posix_spawn_file_actions_t, sigset_t and siginfo_t. */
const STRUCT_BYTES = 1024;
const SIGSET_BYTES = 128;
/** Of 32-bit words in siginfo_t, where a long has 64 bits. */
const SI_PID = 4;
/** Of words of 64 bits in struct rusage: two times of seconds and microseconds, then kilobytes. */
const RU_MAXRSS = 4;
const RUSAGE_WORDS = 18;
const ARCHITECTURES: ReadonlySet<string> = new Set(["x64", "arm64", "riscv64", "ppc64", "loong64"]);

/** Undefined: not on this system, or its C library is too old (glibc 2.29 and musl 1.1.24 have all of it). */
export function openPosixSpawn(): PosixSpawn | undefined {
  // The layouts above are those of 64-bit Linux.
  if (process.platform !== "linux" || !ARCHITECTURES.has(process.arch)) return undefined;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as { load(path: null): LibraryHandle };
    return bind(koffi.load(null));
  } catch {
    // No native code of koffi's for this machine, or a function is missing.
    return undefined;
  }
}

function bind(library: LibraryHandle): PosixSpawn {
  const spawnp = library.func(
    "int posix_spawnp(_Out_ int *pid, const char *file, void *actions, void *attributes, const char **argv, const char **envp)",
  );
  const waitid = library.func("int waitid(int type, int id, void *info, int options)");
  const wait4 = library.func("int wait4(int pid, _Out_ int *status, int options, void *usage)");
  const prepare = bindActions(library);
  const attributes = makeAttributes(library);
  const info = new Int32Array(STRUCT_BYTES / 4);
  const usage = new BigInt64Array(RUSAGE_WORDS);
  const number = [0];
  return {
    start(argv, env, placement) {
      // The program is looked up in the path of the environment it gets, as execvp would; the function looks in ours.
      lookIn(env["PATH"]);
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      if ([...argv, ...variables].some((text) => text.includes("\0"))) return undefined;
      return prepare(placement, (actions) => {
        const error = spawnp(number, argv[0], actions, attributes, [...argv, null], [...variables, null]) as number;
        return error === 0 ? number[0] : undefined;
      });
    },
    nextEnded() {
      info[SI_PID] = 0;
      return waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) === 0 ? info[SI_PID] : 0;
    },
    wait(pid) {
      if (wait4(pid, number, WNOHANG, usage) !== pid) return undefined;
      const [userS, userUs, systemS, systemUs] = [...usage.subarray(0, RU_MAXRSS)].map(Number) as [
        number,
        number,
        number,
        number,
      ];
      const cpuMs = (userS + systemS) * 1000 + (userUs + systemUs) / 1000;
      return { status: number[0]!, cpuMs, peakMemoryBytes: Number(usage[RU_MAXRSS]) * 1024 };
    },
  };
}

/** Runs `use` with the file actions of a placement. */
function bindActions(
  library: LibraryHandle,
): (placement: Placement, use: (actions: Buffer) => number | undefined) => number | undefined {
  const name = (rest: string): string => `int posix_spawn_file_actions_${rest}`;
  const init = library.func(name("init(void *actions)"));
  const destroy = library.func(name("destroy(void *actions)"));
  const addChdir = library.func(name("addchdir_np(void *actions, const char *path)"));
  const addDup = library.func(name("adddup2(void *actions, int from, int to)"));
  const addOpen = library.func(name("addopen(void *actions, int to, const char *path, int flags, unsigned int mode)"));
  const actions = Buffer.alloc(STRUCT_BYTES);
  return ({ cwd, stdin, stdout, stderr }, use) => {
    if (init(actions) !== 0) return undefined;
    try {
      const failed =
        addDup(actions, stdin, 0) ||
        addOpen(actions, 1, stdout, LOG_FLAGS, LOG_MODE) ||
        addOpen(actions, 2, stderr, LOG_FLAGS, LOG_MODE) ||
        addChdir(actions, cwd);
      return failed ? undefined : use(actions);
    } finally {
      destroy(actions);
    }
  };
}

/** A session of its own, no signal blocked, each with its default action (Node ignores SIGPIPE). */
function makeAttributes(library: LibraryHandle): Buffer {
  const name = (rest: string): string => `int posix_spawnattr_${rest}`;
  const attributes = Buffer.alloc(STRUCT_BYTES);
  const results = [
    library.func(name("init(void *attributes)"))(attributes),
    library.func(name("setflags(void *attributes, short flags)"))(attributes, SETSIGDEF | SETSIGMASK | SETSID),
    library.func(name("setsigdefault(void *attributes, void *set)"))(attributes, Buffer.alloc(SIGSET_BYTES, 0xff)),
    library.func(name("setsigmask(void *attributes, void *set)"))(attributes, Buffer.alloc(SIGSET_BYTES)),
  ];
  if (results.some((result) => result !== 0)) throw new Error("this C library cannot start a process in a session");
  return attributes;
}

function lookIn(path: string | undefined): void {
  if (process.env["PATH"] === path) return;
  if (path === undefined) delete process.env["PATH"];
  else process.env["PATH"] = path;
}
