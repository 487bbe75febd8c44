import type { AttemptFacts } from "../../../lib/core/execution.ts";
import type { Environment } from "../../../lib/core/pipeline/spec.ts";
import type { KeyValue } from "./batch.ts";
import { LIMITS } from "./limits.ts";

/** The name of a task's own run. */
export function taskRunName({ ref }: AttemptFacts): string {
  const instance = ref.index > 0 ? `${ref.task}[${ref.index}]` : ref.task;
  return ref.attempt > 1 ? `${instance} attempt ${ref.attempt}` : instance;
}

/** What is known of an attempt while it runs, as tags of its own run (docs/tracking.md has the table). */
export function taskRunTags(facts: AttemptFacts): KeyValue[] {
  const { ref } = facts;
  return [
    ...keyValues({
      "mlflow.runName": taskRunName(facts),
      "mlflow.source.type": "JOB",
      "mlflow.source.name": `${facts.pipeline}/${ref.task}`,
    }),
    ...attemptTags(facts),
  ];
}

/** The same of a run that a script in a task has made beside the task's own; its client's own tags go over these. */
export function attemptTags(facts: AttemptFacts): KeyValue[] {
  const { ref, code, environment, gpus } = facts;
  const distinct = (names: readonly string[]): string | undefined =>
    [...new Set(names)].filter((name) => name !== "").join(",") || undefined;
  return keyValues({
    "mlflow.source.git.commit": code?.commit,
    "mlflow.source.git.branch": code?.branch,
    "mlflow.source.git.repoURL": code?.remote,
    "weft.job": ref.job,
    "weft.pipeline": facts.pipeline,
    "weft.project": facts.project,
    "weft.task": ref.task,
    "weft.index": String(ref.index),
    "weft.attempt": String(ref.attempt),
    "weft.node": facts.node,
    "weft.gpus": distinct(gpus.map(({ uuid }) => uuid)),
    "weft.gpuModels": distinct(gpus.map(({ model }) => model)),
    "weft.gpuDriver": distinct(gpus.map(({ driver }) => driver)),
    "weft.code": code?.digest,
    "weft.dirty": code === null ? undefined : String(code.dirty),
    "weft.diff": code?.diff?.digest,
    "weft.environmentSpec": environment === null ? undefined : environmentText(environment),
    ...Object.fromEntries(Object.entries(facts.params).map(([name, value]) => [`weft.param.${name}`, String(value)])),
  });
}

function environmentText(environment: Environment): string | undefined {
  switch (environment.kind) {
    case "none":
      return undefined;
    case "node":
      return `node ${environment.lock}`;
    case "python":
      return `python${environment.version === null ? "" : ` ${environment.version}`} ${environment.lock}`;
    case "container":
      return `container ${environment.image}`;
  }
}

export function keyValues(all: Readonly<Record<string, string | null | undefined>>): KeyValue[] {
  return Object.entries(all).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [{ key, value: value.slice(0, LIMITS.tagValueChars) }],
  );
}
