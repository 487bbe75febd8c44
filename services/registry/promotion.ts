import { WeftError } from "../../lib/core/error.ts";
import { isoTime } from "../../lib/core/wall-clock.ts";
import { type AliasRow, deleteAlias, findAlias, insertMove, listMoves, type MoveRow, putAlias } from "./alias-store.ts";
import { describeRefusal, type GateResult, gatesOf, judge, type Measured, type Target } from "./core/gate.ts";
import { type AliasMove, previousVersion } from "./core/history.ts";
import {
  canonicalStage,
  checkAlias,
  checkArchiving,
  checkLength,
  checkModelName,
  parseVersion,
  type Stage,
} from "./core/name.ts";
import type { Desk, Work } from "./desk.ts";
import { currentGates, judgedEvaluations } from "./evaluation-store.ts";
import { lockModel, type ModelRow, touchModel } from "./model-store.ts";
import type { Actor } from "./parts.ts";
import { getVersion, numbersOf, setStage, versionsInStage } from "./version-store.ts";
import { lockVersions } from "./versions.ts";

export interface Promote {
  readonly name: string;
  readonly alias: string;
  readonly version: string;
  /** The version that the alias must point at now; null: it must not be there; undefined: whatever it is. */
  readonly expect?: number | null;
  /** Why it is done although a gate says no; empty: then it is not done. */
  readonly reason: string;
  /** Why, for who reads the history; overrides nothing. */
  readonly note: string;
}

export interface Promoted {
  readonly alias: string;
  readonly from: number | null;
  readonly to: number;
  /** What the gates said. */
  readonly gates: readonly GateResult[];
  /** It was done although a gate said no. */
  readonly overridden: boolean;
}

/** A refusal is committed, as it is part of the history, and thrown after that. */
type Outcome<T> = { readonly done: T } | { readonly refused: WeftError };

const REASON_CHARS_MAX = 4_000;
/** Of one alias: enough to go back through years of weekly promotions. */
const MOVES_LOOKED_AT = 10_000;

/**
 * What aliases point at and which stage versions are in, each change with who, when and why. Errors: `invalid`, `not_found`, `conflict`
 * (the alias is not where it was expected), `failed_precondition` (a gate says no).
 */
export class Promotion {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async promote(asked: Promote, by: Actor): Promise<Promoted> {
    const { name, alias, reason, note } = asked;
    checkModelName(name);
    checkAlias(alias);
    checkLength("reason", reason, REASON_CHARS_MAX);
    checkLength("note", note, REASON_CHARS_MAX);
    const version = parseVersion(asked.version);
    return this.#decide(by, async (work) => {
      const model = await lockVersions(work, name, asked.version);
      await getVersion(work.client, model, version, asked.version);
      const now = await findAlias(work.client, model.id, alias);
      checkExpected(model, alias, now, asked.expect);
      const from = now?.version ?? null;
      const same = { alias, from, to: version, gates: [], overridden: false };
      if (from === version) return { done: same };
      const gates = await judgeAll(work, model, { kind: "alias", alias }, version, from);
      const stopped = gates.some(({ passed }) => !passed);
      const move = { alias, fromVersion: from, toVersion: version, gates, reason: reason === "" ? note : reason };
      if (stopped && reason === "") {
        await this.#refuse(work, model, move);
        return { refused: refusal(`${name} version ${version} may not become ${alias}`, gates) };
      }
      await putAlias(work.client, { model: model.id, alias, version, by: work.by }, work.nowMs);
      await this.#moved(work, model, { ...move, kind: "set", overridden: stopped });
      return { done: { ...same, gates, overridden: stopped } };
    });
  }

  /** Back to the version that the alias pointed at before. No gate stands in the way: it was good enough once. */
  async rollback(
    asked: { readonly name: string; readonly alias: string; readonly reason: string; readonly expect?: number | null },
    by: Actor,
  ): Promise<Promoted> {
    const { name, alias, reason } = asked;
    checkModelName(name);
    checkAlias(alias);
    checkLength("reason", reason, REASON_CHARS_MAX);
    return this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      const now = await findAlias(work.client, model.id, alias);
      checkExpected(model, alias, now, asked.expect);
      const from = now?.version ?? null;
      const to = await this.#before(work, model, alias);
      if (to === null) {
        const since = now
          ? `version ${now.version} is the first that it points at`
          : "there is no such alias, and never was";
        throw new WeftError(
          "failed_precondition",
          `the alias ${alias} of ${name} has no earlier version to go back to: ${since}`,
        );
      }
      await putAlias(work.client, { model: model.id, alias, version: to, by: work.by }, work.nowMs);
      const move = { alias, fromVersion: from, toVersion: to, gates: [], reason, overridden: false };
      await this.#moved(work, model, { ...move, kind: "rollback" });
      return { alias, from, to, gates: [], overridden: false };
    });
  }

  /** Nothing happens when the alias is not there. */
  async removeAlias(name: string, alias: string, by: Actor): Promise<void> {
    checkModelName(name);
    checkAlias(alias, { reading: true });
    await this.#desk.change(by, async (work) => {
      const model = await lockModel(work.client, name);
      const now = await findAlias(work.client, model.id, alias);
      if (!now) return;
      await deleteAlias(work.client, model.id, alias);
      const move = { alias, fromVersion: now.version, toVersion: null, gates: [], reason: "", overridden: false };
      await this.#moved(work, model, { ...move, kind: "removed" });
    });
  }

  /** The stage as it is called. `archive`: what is in the stage leaves it for Archived. */
  async enterStage(
    asked: { readonly name: string; readonly version: string; readonly stage: string; readonly archive: boolean },
    by: Actor,
  ): Promise<void> {
    const { name } = asked;
    checkModelName(name);
    const stage = canonicalStage(asked.stage);
    if (asked.archive) checkArchiving(stage, asked.stage);
    const version = parseVersion(asked.version);
    await this.#decide(by, async (work) => {
      const model = await lockVersions(work, name, asked.version);
      const row = await getVersion(work.client, model, version, asked.version);
      const there = (await versionsInStage(work.client, model.id, stage)).filter((one) => one !== version);
      const gates =
        row.stage === stage ? [] : await judgeAll(work, model, { kind: "stage", stage }, version, there.at(-1) ?? null);
      if (gates.some(({ passed }) => !passed)) {
        const move = { alias: null, fromVersion: version, toVersion: version, gates, reason: "" };
        await this.#refuse(work, model, { ...move, fromStage: row.stage, toStage: stage });
        return { refused: refusal(`${name} version ${version} may not enter ${stage}`, gates) };
      }
      if (asked.archive) for (const one of there) await this.#stage(work, model, one, stage, "Archived", []);
      await this.#stage(work, model, version, row.stage, stage, gates);
      await touchModel(work.client, model.id, work.nowMs);
      return { done: undefined };
    });
  }

  async #decide<T>(by: Actor, work: (work: Work) => Promise<Outcome<T>>): Promise<T> {
    const outcome = await this.#desk.change(by, work);
    if ("refused" in outcome) throw outcome.refused;
    return outcome.done;
  }

  async #before(work: Work, model: ModelRow, alias: string): Promise<number | null> {
    const moves = await listMoves(work.client, model.id, { alias, limit: MOVES_LOOKED_AT });
    const there = new Set(await numbersOf(work.client, model.id));
    return previousVersion(moves.filter(isMove).map(asMove).toReversed(), (version) => there.has(version));
  }

  async #stage(
    work: Work,
    model: ModelRow,
    version: number,
    from: string,
    to: Stage,
    gates: readonly GateResult[],
  ): Promise<void> {
    await setStage(work.client, { model: model.id, version }, to, work.nowMs);
    if (from === to) return;
    const move = {
      kind: "stage",
      alias: null,
      fromVersion: version,
      toVersion: version,
      gates,
      overridden: false,
    } as const;
    await insertMove(work.client, model.id, {
      ...move,
      fromStage: from,
      toStage: to,
      atMs: work.nowMs,
      by: work.by,
      reason: "",
    });
    await work.tell({
      entity: "stage",
      action: "UPDATED",
      model: model.name,
      isPrompt: model.isPrompt,
      data: { name: model.name, version: String(version), stage: to },
      more: { from },
    });
  }

  async #moved(
    work: Work,
    model: ModelRow,
    move: Moved & { readonly kind: "set" | "rollback" | "removed" },
  ): Promise<void> {
    await insertMove(work.client, model.id, { ...move, fromStage: null, toStage: null, atMs: work.nowMs, by: work.by });
    const head = { name: model.name, alias: move.alias };
    await work.tell({
      entity: "alias",
      action: move.toVersion === null ? "DELETED" : "CREATED",
      model: model.name,
      isPrompt: model.isPrompt,
      data: move.toVersion === null ? head : { ...head, version: String(move.toVersion) },
      more: moreOf(move, move.kind),
    });
  }

  async #refuse(
    work: Work,
    model: ModelRow,
    move: Omit<Moved, "overridden"> & { readonly fromStage?: string; readonly toStage?: string },
  ): Promise<void> {
    const { fromStage = null, toStage = null } = move;
    const refused = { ...move, kind: "refused", overridden: false, fromStage, toStage } as const;
    await insertMove(work.client, model.id, { ...refused, atMs: work.nowMs, by: work.by });
    await work.tell({
      entity: move.alias === null ? "stage" : "alias",
      action: "REFUSED",
      model: model.name,
      isPrompt: model.isPrompt,
      data: {
        name: model.name,
        version: String(move.toVersion),
        ...(move.alias === null ? { stage: toStage } : { alias: move.alias }),
      },
      more: moreOf(refused, "refused"),
    });
  }
}

type Moved = Pick<MoveRow, "alias" | "fromVersion" | "toVersion" | "gates" | "reason" | "overridden">;

function moreOf(move: Moved, kind: MoveRow["kind"]): Record<string, unknown> {
  const { fromVersion, reason, overridden, gates } = move;
  return { kind, from: fromVersion === null ? null : String(fromVersion), reason, overridden, gates };
}

const isMove = (row: MoveRow): row is MoveRow & { kind: AliasMove["kind"] } =>
  row.kind !== "stage" && row.kind !== "refused";
const asMove = (row: MoveRow & { kind: AliasMove["kind"] }): AliasMove => ({
  kind: row.kind,
  from: row.fromVersion,
  to: row.toVersion,
});

function checkExpected(
  model: ModelRow,
  alias: string,
  now: AliasRow | undefined,
  expect: number | null | undefined,
): void {
  if (expect === undefined || expect === (now?.version ?? null)) return;
  const wanted = expect === null ? "nowhere" : `at version ${expect}`;
  const found = now
    ? `points at version ${now.version}, set ${now.setBy === "" ? "" : `by ${now.setBy} `}at ${isoTime(now.setMs)}`
    : "points nowhere";
  throw new WeftError(
    "conflict",
    `the alias ${alias} of ${model.name} ${found}, and not ${wanted} as expected: somebody was faster; look at what it is now, and decide again`,
  );
}

/** What each gate that stands before the change says; prompts have none. */
async function judgeAll(
  work: Work,
  model: ModelRow,
  target: Target,
  version: number,
  current: number | null,
): Promise<GateResult[]> {
  if (model.isPrompt) return [];
  const gates = gatesOf((await currentGates(work.client)).gates, model.name, target);
  if (gates.length === 0) return [];
  const measured = async (number: number): Promise<Measured> => ({
    version: number,
    evaluations: await judgedEvaluations(work.client, model.id, number),
  });
  const candidate = await measured(version);
  const now = current === null ? null : await measured(current);
  return gates.map((gate) => judge(gate, candidate, now));
}

function refusal(what: string, gates: readonly GateResult[]): WeftError {
  return new WeftError(
    "failed_precondition",
    `${what}:\n${describeRefusal(gates)}\nWith a reason (\`weft promote … --reason "…"\`) it is done all the same, and the history says so`,
  );
}
