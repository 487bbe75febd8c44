import type { Concurrency as ConcurrencyProto, Concurrency__Output } from "../../../proto/gen/weft/v1/Concurrency.ts";
import type { Rate as RateProto, Rate__Output } from "../../../proto/gen/weft/v1/Rate.ts";
import { formatDuration } from "../../../proto/units.ts";
import type { Issue } from "../error.ts";
import { LIMITS } from "./limits.ts";
import { hint } from "./nearest.ts";
import type { Scalar } from "./spec.ts";
import { checkReferences, parseTemplate, renderTemplate } from "./template.ts";
import { checkText, scalarText } from "./value.ts";

/**
 * What becomes of a job whose group has no place:
 *
 *   queue           it waits for one
 *   cancel-running  the others are cancelled, and it starts when they have stopped
 *   skip            it is cancelled itself
 */
export const POLICIES = ["queue", "cancel-running", "skip"] as const;

/** At most `limit` jobs of a group at a time. */
export interface Concurrency {
  /** May hold {{ params.x }}; empty: the pipeline's name. Of one project. */
  readonly group: string;
  readonly policy: (typeof POLICIES)[number];
  readonly limit: number;
}

/** At most `limit` starts in any `perMs`. */
export interface Rate {
  readonly limit: number;
  readonly perMs: number;
  /** Shared by all that have it, in one project. May hold {{ params.x }}; empty: the pipeline's, or the task's, own. */
  readonly key: string;
}

/** The times of the last starts are kept, and written whenever one is added. */
const RATE_LIMIT_MAX = 1_000;
const GROUP_LIMIT_MAX = 10_000;
/** Of a group's name or a rate's key, rendered. */
const KEY_BYTES_MAX = 500;

type Path = readonly (string | number)[];
type Add = (path: Path, message: string) => void;

export function checkConcurrency({ group, limit }: Concurrency, params: readonly string[], add: Add): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= GROUP_LIMIT_MAX))
    add(
      ["concurrency", "limit"],
      `${limit} jobs at a time; a whole number from 1 to ${GROUP_LIMIT_MAX} would be right`,
    );
  checkKey(group, params, ["concurrency", "group"], add);
}

export function checkRate({ limit, perMs, key }: Rate, params: readonly string[], add: Add): void {
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= RATE_LIMIT_MAX))
    add(["rate", "limit"], `${limit} starts; a whole number from 1 to ${RATE_LIMIT_MAX} would be right`);
  if (!(perMs >= 1 && perMs <= LIMITS.timeoutMs))
    add(["rate", "per"], `a time of ${perMs}ms; 1ms to ${formatDuration(LIMITS.timeoutMs)} would be right`);
  checkKey(key, params, ["rate", "key"], add);
}

function checkKey(text: string, params: readonly string[], path: Path, add: Add): void {
  const template = parseTemplate(text, false);
  const scope = { params, map: [], inputs: [], outputs: [], tasks: [] };
  for (const message of [...template.problems, ...checkReferences(template, scope)]) add(path, message);
  for (const piece of template.pieces) {
    if (piece.kind === "value" && piece.reference.kind !== "params")
      add(path, `${piece.source}: only {{ params.NAME }} can be used here`);
  }
  const wrong = checkText(text, KEY_BYTES_MAX);
  if (wrong) add(path, `the name ${wrong}`);
}

/** The name with the job's parameters put in; cut to what a name may have. */
export function renderKey(text: string, params: Readonly<Record<string, Scalar>>): string {
  if (!text.includes("{{")) return text;
  const rendered = renderTemplate(parseTemplate(text, false), false, (reference) =>
    "name" in reference ? scalarText(params[reference.name] ?? null) : "",
  );
  return rendered.slice(0, KEY_BYTES_MAX);
}

export function concurrencyFromProto(message: Concurrency__Output | null, issues: Issue[]): Concurrency | undefined {
  if (!message) return undefined;
  const { group, limit } = message;
  const policy = POLICIES.find((each) => each === (message.policy || "queue"));
  if (!policy) {
    const path = ["concurrency", "policy"];
    issues.push({ path, message: `"${message.policy}" is no policy${hint(message.policy, POLICIES)}` });
  }
  return { group, policy: policy ?? "queue", limit: limit || 1 };
}

export const concurrencyToProto = (concurrency: Concurrency): ConcurrencyProto => ({ ...concurrency });

export function rateFromProto(message: Rate__Output | null): Rate | undefined {
  return message ? { limit: message.limit, perMs: message.perMs, key: message.key } : undefined;
}

export const rateToProto = (rate: Rate): RateProto => ({ ...rate });
