import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type JobJson, weft, weftJson } from "./command.ts";
import { until } from "./wait.ts";

/** Seconds between two lines of a task; lines come throughout, so that a hole of any length is seen. */
const LINE_PAUSE = 0.05;

export interface Layer {
  readonly name: string;
  readonly instances: number;
  /** Lines that each instance prints, LINE_PAUSE apart. */
  readonly lines: number;
  readonly needs: readonly string[];
}

/** Some 30 tasks, half a second to four seconds each, in layers: ten seconds where eight run at once. */
const LAYERS: readonly Layer[] = [
  { name: "quick", instances: 12, lines: 10, needs: [] },
  { name: "slow", instances: 6, lines: 50, needs: ["quick"] },
  { name: "beside", instances: 4, lines: 70, needs: [] },
  { name: "short", instances: 8, lines: 12, needs: ["slow"] },
  { name: "last", instances: 1, lines: 15, needs: ["short", "beside"] },
];

/**
 * A pipeline whose every task prints numbered lines from its start to its end, and notes in a file of the test's, by one
 * append as the last thing it does, that it ran to completion.
 */
export class Ledger {
  readonly file: string;
  readonly #notes: string;
  readonly #layers: readonly Layer[];

  private constructor(folder: string, layers: readonly Layer[]) {
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, "weft.yaml");
    this.#notes = `${folder}.notes`;
    this.#layers = layers;
    writeFileSync(this.#notes, "");
    writeFileSync(this.file, `pipeline: ledger\ntasks:\n${layers.map((layer) => this.#task(layer)).join("")}`);
  }

  static make(folder: string, layers: readonly Layer[] = LAYERS): Ledger {
    return new Ledger(folder, layers);
  }

  #task({ name, instances, lines, needs }: Layer): string {
    const indices = Array.from({ length: instances }, (_, n) => n).join(", ");
    return `  ${name}:
    needs: [${needs.join(", ")}]
    map: { n: [${indices}] }
    resources: { cpus: 0.5 }
    run: |
      i=0
      while [ $i -lt ${lines} ]; do
        echo "line $i of $WEFT_TASK $WEFT_INDEX"
        i=$((i + 1))
        sleep ${LINE_PAUSE}
      done
      echo "$WEFT_TASK.$WEFT_INDEX" >> ${this.#notes}
`;
  }

  /** Instances that ran to completion, in the order they did. */
  completed(): string[] {
    return readFileSync(this.#notes, "utf8").split("\n").slice(0, -1);
  }

  /** Resolves when so many instances ran to completion. */
  async reached(count: number): Promise<void> {
    await until(() => this.completed().length >= count, `${count} tasks to complete`, 60_000);
  }

  instances(): string[] {
    return this.#layers.flatMap(({ name, instances }) => Array.from({ length: instances }, (_, i) => `${name}.${i}`));
  }

  /** The whole of what each instance prints, by its name in `weft logs`. */
  #expectedLines(): Record<string, string[]> {
    return Object.fromEntries(
      this.#layers.flatMap(({ name, instances, lines }) =>
        Array.from({ length: instances }, (_, index) => [
          instances === 1 ? `${name}[0]` : `${name}[${index}]`,
          Array.from({ length: lines }, (__, line) => `line ${line} of ${name} ${index}`),
        ]),
      ),
    );
  }

  /** The laws: every task ran to completion once, and of each every line is there, once and in order. */
  async check(grpc: string, jobId: string): Promise<JobJson> {
    const job = await weftJson<JobJson>(grpc, ["job", jobId]);
    expect(job.state).toBe("succeeded");
    expect(this.completed().toSorted()).toEqual(this.instances().toSorted());
    const { exitCode, stdout, stderr } = await weft(grpc, ["logs", jobId]);
    expect(exitCode, stderr).toBe(0);
    // Bytes that are gone would be told.
    expect(stderr).not.toContain("weft:");
    this.checkLog(stdout.toString("utf8"));
    return job;
  }

  /** No attempt that had begun was given up: what ran went on. One that never reached its node may have been replaced. */
  static async nothingBegunTwice(grpc: string, jobId: string): Promise<void> {
    const lineage = await weftJson<{ executions: readonly { startedAt: string | null; state: string }[] }>(grpc, [
      "lineage",
      jobId,
    ]);
    expect(lineage.executions.filter(({ startedAt, state }) => startedAt !== null && state !== "succeeded")).toEqual(
      [],
    );
  }

  /** `text` is what `weft logs` of the whole job wrote: a name before each line. */
  checkLog(text: string): void {
    const found: Record<string, string[]> = {};
    for (const line of text.split("\n").slice(0, -1)) {
      const [name, rest] = line.split(" | ", 2) as [string, string];
      (found[name] ??= []).push(rest);
    }
    expect(found).toEqual(this.#expectedLines());
  }
}
