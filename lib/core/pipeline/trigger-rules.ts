import { parseCron } from "../cron.ts";
import type { Issue } from "../error.ts";
import { NAME } from "../ids.ts";
import { hint } from "./nearest.ts";
import { parsePlaceholders } from "./placeholder.ts";
import type { PipelineSpec } from "./spec.ts";
import { checkName } from "./task-rules.ts";
import {
  END_STATES,
  MISSED_POLICIES,
  SIGNATURES,
  type TriggerKind,
  type TriggerSource,
  type TriggerSpec,
  readNewsName,
} from "./trigger.ts";
import { checkScalar } from "./value.ts";
import { formatDuration } from "../../../proto/units.ts";

export const TRIGGER_LIMITS = {
  /** Of one pipeline: each is looked at for each event of its kind. */
  triggers: 50,
  /** 30 days: as long as events are kept. */
  windowMs: 30 * 86_400_000,
  missed: 1_000,
  /** NATS takes more, but advises to stay well under 256. */
  subjectLength: 200,
  templateLength: 1_000,
} as const;

/** What the templates of each kind can name, up to the first dot. */
const ROOTS: Readonly<Record<TriggerKind, readonly string[]>> = {
  schedule: ["tick"],
  nats: ["payload", "subject"],
  webhook: ["payload", "headers"],
  data: ["job", "output"],
  job: ["job"],
  manual: [],
};
const EVERYWHERE = ["event", "trigger"];

function rootsOf(source: TriggerSource): readonly string[] {
  if (source.kind !== "data" || !("from" in source)) return ROOTS[source.kind];
  return [source.from.startsWith("model:") ? "model" : "data"];
}

type Add = (path: readonly (string | number)[], message: string) => void;

/** Everything that is wrong with `on:`. Paths are as weft.yaml has them: on, kind, and a number where there are several of the kind. */
export function checkTriggers(spec: PipelineSpec, issues: Issue[]): void {
  const triggers = spec.triggers ?? [];
  if (triggers.length > TRIGGER_LIMITS.triggers) {
    const message = `the pipeline has ${triggers.length} triggers; at most ${TRIGGER_LIMITS.triggers} are allowed`;
    issues.push({ path: ["on"], message });
    return;
  }
  const seen = new Set<string>();
  for (const trigger of triggers) {
    const path = triggerPath(triggers, trigger);
    const add: Add = (within, message) => issues.push({ path: [...path, ...within], message });
    if (seen.has(trigger.name)) {
      add(["name"], `a second trigger is named "${trigger.name}"; give one of them another name with "name:"`);
    }
    seen.add(trigger.name);
    checkName(trigger.name, "trigger", [...path, "name"], (at, message) => issues.push({ path: at, message }));
    checkSource(spec, trigger.source, add);
    checkParams(spec, trigger, add);
    checkTimes(trigger, add);
  }
}

function triggerPath(triggers: readonly TriggerSpec[], trigger: TriggerSpec): (string | number)[] {
  const { kind } = trigger.source;
  const alike = triggers.filter(({ source }) => source.kind === kind);
  return alike.length === 1 ? ["on", kind] : ["on", kind, alike.indexOf(trigger)];
}

function checkSource(spec: PipelineSpec, source: TriggerSource, add: Add): void {
  switch (source.kind) {
    case "schedule": {
      const parsed = parseCron({ expression: source.cron, timezone: source.timezone });
      if (!parsed.ok) add([parsed.what === "timezone" ? "timezone" : "cron"], parsed.message);
      checkWord(source.missed, "a policy for missed ticks", MISSED_POLICIES, ["missed"], add);
      if (source.missedMax < 1 || source.missedMax > TRIGGER_LIMITS.missed || !Number.isInteger(source.missedMax)) {
        add(["missedMax"], `"missedMax" is ${source.missedMax}; 1 to ${TRIGGER_LIMITS.missed} would be right`);
      }
      return;
    }
    case "nats":
      return checkSubject(source.subject, add);
    case "webhook":
      return checkWord(source.signature, "a kind of signature", SIGNATURES, ["signature"], add);
    case "data":
      if ("from" in source) {
        if (!readNewsName(source.from))
          add(
            ["from"],
            `"${source.from}" is nothing that has versions; dataset:NAME, dataset:NAME@TAG, model:NAME or model:NAME@ALIAS would be right`,
          );
        return;
      }
      checkOther(spec, source.pipeline, add);
      if (source.task !== null) checkName(source.task, "task", ["task"], add);
      return checkName(source.output, "output", ["output"], add);
    case "job":
      checkOther(spec, source.pipeline, add);
      for (const state of source.states) checkWord(state, "a state that a job ends in", END_STATES, ["states"], add);
      return;
    case "manual":
  }
}

function checkWord(text: string, what: string, known: readonly string[], path: readonly string[], add: Add): void {
  if (!known.includes(text)) add(path, `"${text}" is not ${what}${hint(text, known)}`);
}

/** Each job would start the next, for ever. */
function checkOther(spec: PipelineSpec, pipeline: string, add: Add): void {
  if (pipeline === spec.name) {
    add(["pipeline"], `pipeline "${pipeline}" would start itself for ever; name another pipeline, or use a schedule`);
  } else if (!NAME.test(pipeline)) checkName(pipeline, "pipeline", ["pipeline"], add);
}

function checkSubject(subject: string, add: Add): void {
  const tokens = subject.split(".");
  const right =
    'tokens of letters, digits, - and _ with dots between, * for any token and > at the end for any rest, like "orders.*"';
  const wrong = tokens.find(
    (token, i) => !/^[A-Za-z0-9_-]+$|^\*$/.test(token) && !(token === ">" && i === tokens.length - 1),
  );
  if (wrong !== undefined || subject.length > TRIGGER_LIMITS.subjectLength) {
    add(
      ["subject"],
      `"${subject.slice(0, 80)}" is no subject; ${right} would be right (messages are published to weft.event.SUBJECT)`,
    );
  }
}

function checkParams(spec: PipelineSpec, trigger: TriggerSpec, add: Add): void {
  for (const [name, value] of Object.entries(trigger.params)) {
    const path = ["params", name];
    const known = Object.keys(spec.params);
    if (!known.includes(name)) {
      const there = known.length === 0 ? "; it declares none" : hint(name, known);
      add(path, `pipeline "${spec.name}" has no parameter "${name}"${there}`);
    }
    const wrong = checkScalar(value);
    if (wrong !== undefined) add(path, `parameter "${name}" ${wrong}`);
    else if (typeof value === "string") checkTemplate(trigger.source, value, path, add);
  }
  if (trigger.dedupeKey !== "") checkTemplate(trigger.source, trigger.dedupeKey, ["dedupe", "key"], add);
}

function checkTemplate(source: TriggerSource, text: string, path: readonly string[], add: Add): void {
  if (text.length > TRIGGER_LIMITS.templateLength && text.includes("{{")) {
    return add(path, `has ${text.length} characters; a template has at most ${TRIGGER_LIMITS.templateLength}`);
  }
  const parsed = parsePlaceholders(text);
  if (!parsed.ok) return add(path, parsed.message);
  const roots = [...rootsOf(source), ...EVERYWHERE];
  for (const piece of parsed.pieces) {
    if (piece.kind === "path" && !roots.includes(piece.path[0]!)) {
      add(path, `${piece.source}: an event of this kind has no "${piece.path[0]}"${hint(piece.path[0]!, roots)}`);
    }
  }
}

function checkTimes(trigger: TriggerSpec, add: Add): void {
  const longest = formatDuration(TRIGGER_LIMITS.windowMs);
  const check = (what: string, ms: number): void => {
    if (ms < 0 || ms > TRIGGER_LIMITS.windowMs)
      add([what], `"${what}" is ${formatDuration(ms)}; at most ${longest} is allowed`);
  };
  check("dedupe", trigger.dedupeWindowMs);
  check("cooldown", trigger.cooldownMs);
}
