import {
  AMD_SMI_METRIC,
  AMD_SMI_STATIC,
  AMD_SMI_STATIC_PLAIN,
  parseAmdSmi,
  parseRocmSmi,
  ROCM_SMI,
  ROCM_SMI_PLAIN,
} from "../core/gpu/amd.ts";
import { type CommandOptions, type CommandResult, runCommand } from "./command.ts";
import { complaint, type Look, unusable } from "./nvidia.ts";

/** Reads AMD's cards through `amd-smi`, or its forerunner `rocm-smi` where that is all there is. */
export class AmdTool {
  readonly #options: CommandOptions;

  constructor(options: CommandOptions = {}) {
    this.#options = options;
  }

  async look(): Promise<Look> {
    const cards = await this.#first("amd-smi", [AMD_SMI_STATIC, AMD_SMI_STATIC_PLAIN], (text) => parseAmdSmi(text, ""));
    if (cards.kind !== "exited") return cards.kind === "missing" ? this.#rocm() : unusable(cards);
    if (!parseAmdSmi(cards.stdout, "")) {
      const rocm = await this.#rocm();
      return rocm.kind === "absent" ? { kind: "failed", message: complaint(cards) } : rocm;
    }
    const metrics = await runCommand("amd-smi", AMD_SMI_METRIC, this.#options);
    if (metrics.kind !== "exited") return unusable(metrics);
    return { kind: "seen", reading: parseAmdSmi(cards.stdout, metrics.stdout)! };
  }

  async #rocm(): Promise<Look> {
    const cards = await this.#first("rocm-smi", [ROCM_SMI, ROCM_SMI_PLAIN], parseRocmSmi);
    if (cards.kind !== "exited") return unusable(cards);
    const reading = parseRocmSmi(cards.stdout);
    return reading ? { kind: "seen", reading } : { kind: "failed", message: complaint(cards) };
  }

  /** The first way of asking whose answer can be read; else the last answer. */
  async #first(tool: string, ways: readonly string[][], parse: (text: string) => unknown): Promise<CommandResult> {
    let result: CommandResult = { kind: "missing" };
    for (const args of ways) {
      result = await runCommand(tool, args, this.#options);
      if (result.kind !== "exited" || (result.code === 0 && parse(result.stdout))) return result;
    }
    return result;
  }
}
