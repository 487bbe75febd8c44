import { createHash } from "node:crypto";
import { WeftError } from "../../lib/core/error.ts";
import { parseAttemptKey } from "../../lib/core/ids.ts";
import { checkGates } from "./core/gate-rules.ts";
import type { Gate } from "./core/gate.ts";
import { checkLength, checkModelName, invalid, parseVersion } from "./core/name.ts";
import type { Desk } from "./desk.ts";
import { type EvaluationRow, findEvaluation, insertEvaluation, insertGates } from "./evaluation-store.ts";
import type { Actor } from "./parts.ts";
import { getVersion } from "./version-store.ts";
import { lockVersions } from "./versions.ts";

type Metrics = Readonly<Record<string, number>>;

export interface AskedEvaluation {
  readonly name: string;
  readonly version: string;
  /** The same id again changes nothing. Empty: one a task, version and data set, or a new one where there is no task. */
  readonly id: string;
  readonly dataset: string;
  readonly datasetDigest: string;
  readonly metrics: Metrics;
  readonly segments: Readonly<Record<string, Metrics>>;
  readonly attempt: string;
  readonly runId: string;
}

const METRICS_MAX = 1_000;
const SEGMENTS_MAX = 10_000;
/** Of all segments together: the row is read whole at each promotion. */
const VALUES_MAX = 100_000;
const NAME_CHARS_MAX = 250;

/** What versions were measured to be worth, and the rules that are held against it. Errors: `invalid`, `not_found`, `conflict`. */
export class Evaluations {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async record(asked: AskedEvaluation, by: Actor): Promise<EvaluationRow> {
    checkModelName(asked.name);
    checkEvaluation(asked);
    const version = parseVersion(asked.version);
    const { newId } = this.#desk.parts;
    return this.#desk.change(by, async (work) => {
      const model = await lockVersions(work, asked.name, asked.version);
      await getVersion(work.client, model, version, asked.version);
      const { dataset, datasetDigest, metrics, segments, attempt, runId } = asked;
      const id = asked.id === "" ? (idInTask(asked) ?? newId()) : asked.id;
      const row = { id, version, dataset, datasetDigest, metrics, segments, attempt, runId, by, atMs: work.nowMs };
      // A task that is run again, or that did not hear our answer, reports the same.
      if (!(await insertEvaluation(work.client, model.id, row))) {
        const there = await findEvaluation(work.client, id);
        if (there?.model === model.id && there.version === version) return there;
        throw new WeftError("conflict", `the evaluation "${id}" is of another version; give this one another id`);
      }
      await work.tell({
        entity: "version",
        action: "EVALUATED",
        model: model.name,
        isPrompt: model.isPrompt,
        data: { name: model.name, version: String(version), dataset, dataset_digest: datasetDigest, metrics },
        more: { id, segments: Object.keys(segments).length, attempt, run_id: runId },
      });
      return row;
    });
  }

  /** From now on these gates hold, instead of those before; number of the set. */
  async setGates(gates: readonly Gate[], by: Actor): Promise<number> {
    checkGates(gates);
    return this.#desk.change(by, async (work) => {
      const number = await insertGates(work.client, gates, by, work.nowMs);
      const names = gates.map(({ name }) => name);
      await work.tell({
        entity: "gates",
        action: "SET",
        model: "",
        isPrompt: false,
        data: { number, gates: names },
        more: {},
      });
      return number;
    });
  }
}

/** A task that is told twice to report, or did not hear the answer, reports the same. Undefined: no task reports. */
function idInTask({ attempt, name, version, dataset, datasetDigest }: AskedEvaluation): string | undefined {
  if (attempt === "") return undefined;
  const id = `${attempt}/${name}/${version}/${dataset}${datasetDigest === "" ? "" : `@${datasetDigest}`}`;
  return id.length <= NAME_CHARS_MAX ? id : `${attempt}/${createHash("sha256").update(id).digest("hex")}`;
}

function checkEvaluation(asked: AskedEvaluation): void {
  const { dataset, datasetDigest, metrics, segments, attempt, id } = asked;
  if (dataset === "") throw invalid("an evaluation names the data set that it was made on");
  for (const [what, text] of Object.entries({ dataset, datasetDigest, attempt, id, runId: asked.runId }))
    checkLength(what, text, NAME_CHARS_MAX);
  if (attempt !== "" && !parseAttemptKey(attempt))
    throw invalid(`"${attempt}" is no attempt; it must be job.task.index.attempt, as WEFT_ATTEMPT_KEY has it`);
  if (Object.keys(metrics).length === 0) throw invalid("an evaluation has at least one metric");
  if (Object.keys(segments).length > SEGMENTS_MAX)
    throw invalid(`an evaluation has at most ${SEGMENTS_MAX} segments; this one has ${Object.keys(segments).length}`);
  checkMetrics(metrics, "");
  let values = 0;
  for (const [name, of] of Object.entries(segments)) {
    checkLength(`segment ${name.slice(0, 40)}`, name, NAME_CHARS_MAX);
    checkMetrics(of, ` of the segment "${name}"`);
    values += Object.keys(of).length;
  }
  if (values > VALUES_MAX)
    throw invalid(`an evaluation has at most ${VALUES_MAX} values in all segments together; this one has ${values}`);
}

function checkMetrics(metrics: Metrics, of: string): void {
  const entries = Object.entries(metrics);
  if (entries.length > METRICS_MAX)
    throw invalid(`an evaluation has at most ${METRICS_MAX} metrics; there are ${entries.length}${of}`);
  for (const [name, value] of entries) {
    checkLength(`metric ${name.slice(0, 40)}`, name, NAME_CHARS_MAX);
    if (!Number.isFinite(value))
      throw new WeftError(
        "invalid",
        `the metric "${name}"${of} is ${value}; a rule can only be held against a finite number`,
      );
  }
}
