import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { basename } from "node:path";
import { EnvironmentError } from "./failure.ts";

/** Largest that were seen take five minutes on a slow link. */
export const BUILD_MS_MAX = 15 * 60_000;
/** Of a program's output that goes into the message; all of it is in the attempt's stderr. */
const MESSAGE_LINES = 8;
const OUTPUT_BYTES_MAX = 64 * 1024;

export interface InstallStep {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** What it does, for people: "npm ci of app/package-lock.json". */
  readonly title: string;
  /** Where the program says why it failed. */
  readonly reason: "first lines" | "last lines";
  /** Said after the program's own words. */
  readonly hint?: (output: string) => string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** It speaks of other things too; only the reason of its failure is wanted. */
  readonly quiet?: boolean;
}

/** Runs one program of a build; gives what it printed. Throws EnvironmentError with the program's own words, or the signal's reason. */
export type Install = (step: InstallStep) => Promise<string>;

/** The machine's own settings for those that fetch packages and images: registries, proxies, certificates. Tasks do not see them. */
const SETTINGS =
  /^(PIP|UV|DOCKER|CONTAINERS?|XDG)_|^npm_config_(registry|ca|cafile|strict_ssl|proxy|https_proxy|noproxy)$|^(HTTPS?|ALL|NO)_PROXY$|^(SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|NETRC)$/i;
/** They name where packages go, and that is decided here. */
const NOT_SETTINGS =
  /^PIP_(TARGET|PREFIX|ROOT|USER|REQUIREMENT|SRC)$|^UV_(PROJECT|WORKING_DIR|SYSTEM_PYTHON|TARGET|PREFIX)/;

/** `env` with the settings of this machine's package managers. */
export function installerEnvironment(
  env: Readonly<Record<string, string>>,
  machine: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const settings = Object.entries(machine).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && SETTINGS.test(entry[0]) && !NOT_SETTINGS.test(entry[0]),
  );
  return { ...Object.fromEntries(settings), ...env };
}

export interface InstallOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Where the programs' output goes. */
  readonly stderr: string;
  readonly signal: AbortSignal;
}

/** Runs programs one after the other, for one attempt. */
export function installer({ env, stderr, signal }: InstallOptions): Install {
  return (step) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const child = spawn(step.program, step.args, {
        cwd: step.cwd,
        env: { ...env, ...step.env },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const log = createWriteStream(stderr, { flags: "a" });
      log.on("error", () => {});
      let output = "";
      let overdue = false;
      const take = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-OUTPUT_BYTES_MAX);
        if (step.quiet !== true) log.write(chunk);
      };
      child.stdout.on("data", take);
      child.stderr.on("data", take);
      // At once: half an installation is thrown away, and nothing must write on in it when this process has ended.
      const stop = () => signalGroup(child.pid, "SIGKILL");
      const timer = setTimeout(() => {
        overdue = true;
        stop();
      }, BUILD_MS_MAX);
      signal.addEventListener("abort", stop, { once: true });
      const end = (error?: Error) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        log.end(() => (error ? reject(error) : resolve(output)));
      };
      child.on("error", (error) =>
        end(
          new EnvironmentError(
            `cannot run ${basename(step.program)} for ${step.title}: ${error.message}; is it on the agent's PATH?`,
          ),
        ),
      );
      child.on("close", (code, killedBy) => {
        if (signal.aborted) end(signal.reason as Error);
        else if (overdue) end(new EnvironmentError(`${step.title} took longer than ${BUILD_MS_MAX / 60_000} minutes`));
        else if (code === 0) end();
        else end(failure(step, killedBy ?? `exit code ${code}`, output));
      });
    });
}

function failure(step: InstallStep, how: string, output: string): Error {
  if (/ENOSPC|No space left on device|os error 28/i.test(output))
    return Object.assign(new Error(`${step.title}: no space left on device`), { code: "ENOSPC" });
  const all = output.trim().split("\n");
  const lines = step.reason === "first lines" ? all.slice(0, MESSAGE_LINES) : all.slice(-MESSAGE_LINES);
  const hint = step.hint?.(output);
  return new EnvironmentError(
    `${step.title} failed with ${how}:\n${lines.join("\n")}${hint === undefined ? "" : `\n${hint}`}`,
  );
}

function signalGroup(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // Gone already.
  }
}
