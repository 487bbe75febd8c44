import { EMPTY_READING, type GpuReading } from "../core/gpu/device.ts";
import { knownFields, type NvidiaField, parseNvidia, queryArguments } from "../core/gpu/nvidia.ts";
import { parseProcesses, PROCESSES_QUERY } from "../core/gpu/occupancy.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";

/** What one look at a vendor's driver gave. */
export type Look =
  | { readonly kind: "seen"; readonly reading: GpuReading }
  /** The tool is not installed. */
  | { readonly kind: "absent" }
  /** The driver does not answer properly; `message` says how. Cards known so far get no work. */
  | { readonly kind: "failed"; readonly message: string }
  /** The driver holds the tool and does not let go. */
  | { readonly kind: "stuck"; readonly gone: Promise<void> };

/** One card in ten may be gone while the others answer: the tool then exits with 15 ("GPU has fallen off the bus") or 255. */
const TOOL = "nvidia-smi";

/** Reads NVIDIA's cards through `nvidia-smi`. */
export class NvidiaTool {
  readonly #options: CommandOptions;
  /** What this driver's tool can be asked for; a new driver may know more, so it is read again after a failure. */
  #fields: readonly NvidiaField[] | undefined;

  constructor(options: CommandOptions = {}) {
    this.#options = options;
  }

  async look(): Promise<Look> {
    if (!this.#fields) {
      const help = await runCommand(TOOL, ["--help-query-gpu"], this.#options);
      if (help.kind !== "exited") return unusable(help);
      const fields = knownFields(help.stdout);
      if (!fields.includes("uuid")) return { kind: "failed", message: complaint(help) };
      this.#fields = fields;
    }
    const query = await runCommand(TOOL, queryArguments(this.#fields), this.#options);
    if (query.kind !== "exited") return unusable(query);
    const reading = parseNvidia(this.#fields, query.stdout);
    if (query.code !== 0 && reading.devices.length === 0 && reading.lost.every(({ pciBus }) => pciBus === null)) {
      this.#fields = undefined;
      if (/no devices were found/i.test(query.stdout + query.stderr)) return { kind: "seen", reading: EMPTY_READING };
      return { kind: "failed", message: complaint(query) };
    }
    const apps = await runCommand(TOOL, PROCESSES_QUERY, this.#options);
    if (apps.kind !== "exited") return unusable(apps);
    const processes = apps.code === 0 ? parseProcesses(apps.stdout) : [];
    if (!reading.devices.some(({ migMode }) => migMode === "enabled"))
      return { kind: "seen", reading: { ...reading, processes } };
    const list = await runCommand(TOOL, ["-L"], this.#options);
    if (list.kind !== "exited") return unusable(list);
    return { kind: "seen", reading: { ...parseNvidia(this.#fields, query.stdout, list.stdout), processes } };
  }
}

export function unusable(result: Exclude<CommandResult, { kind: "exited" }>): Look {
  switch (result.kind) {
    case "missing":
      return { kind: "absent" };
    case "failed":
      return { kind: "failed", message: `the GPU tool could not be started: ${result.message}` };
    case "late":
      return { kind: "failed", message: "the GPU driver did not answer in time" };
    case "stuck":
      return result;
  }
}

export function complaint(result: {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}): string {
  const text = (result.stderr.trim() || result.stdout.trim()).split("\n")[0]!.slice(0, 200);
  return `the GPU tool failed (exit ${result.code ?? "by signal"})${text === "" ? "" : `: ${text}`}`;
}
