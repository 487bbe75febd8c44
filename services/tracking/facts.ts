import type { Pool } from "pg";
import type { AttemptKey, Digest } from "../../lib/core/ids.ts";
import type { Environment } from "../../lib/core/pipeline/spec.ts";
import { digestBytes } from "../../lib/digest.ts";
import { dataNamesOf } from "../artifacts/index.ts";
import {
  CODE_EDGE,
  type CodeReader,
  type EdgeRow,
  edgesOfExecutions,
  type FindEnvironments,
  sourceNodesOf,
} from "../lineage/index.ts";
import type { Fact, FactValue, SectionName } from "./core/difference.ts";
import type { Member, Side } from "./sides.ts";
import { DIFF_FILE } from "./task-run-store.ts";
import { readRuns, type RunRecord } from "./side-store.ts";

export interface FactParts {
  readonly pool: Pool;
  readonly code: CodeReader;
  readonly findEnvironments: FindEnvironments;
}

type Add = (section: SectionName, kind: string, name: string, value: FactValue) => void;

/** Of several values of one name, e.g. the inputs of a fan-in: those that are written out. */
const VALUES_SHOWN = 4;
/** What MLflow's clients measure by themselves of the machine. */
const SYSTEM_METRIC = /^system\//;
/** Tags by which MLflow and Weft say what is told elsewhere, or what names a run. */
const SYSTEM_TAG = /^(?:mlflow|weft)\./;
/** It holds the time and the ids of its run: two are never the same, however equal their models are. */
const MLMODEL = "MLmodel";

/** All that is known of each side, in a few statements. Of one member alone, what is of an instance is of the whole. */
export async function factsOf(parts: FactParts, sides: readonly Side[]): Promise<Fact[][]> {
  const members = sides.flatMap((side) => side.members);
  const executions = members.flatMap(({ execution }) => (execution === null ? [] : [execution]));
  const [records, edges, environments, sources] = await Promise.all([
    readRuns(
      parts.pool,
      members.flatMap(({ run }) => (run === null ? [] : [run.number])),
    ),
    edgesOfExecutions(
      parts.pool,
      executions.map(({ id }) => id),
    ),
    parts.findEnvironments(executions.map(({ jobId, task }) => ({ job: jobId, task }))),
    sourceNodesOf(
      parts.pool,
      executions.map(({ id }) => id),
    ),
  ]);
  const nodes = new Map(sources.map(({ execution, name, node }) => [`${execution} ${name}`, node]));
  const names = await dataNamesOf(parts.pool, [...new Set(edges.map(({ digest }) => digest))]);
  const edgesOf = grouped(edges, ({ execution }) => execution);
  const alone = sides.every((side) => side.members.length === 1);
  return Promise.all(
    sides.map(async (side) => {
      const facts: Fact[] = [];
      const told = new Set<string>();
      for (const member of side.members) {
        const own = { of: alone ? "" : member.of, facts };
        const { execution, run } = member;
        executionFacts(own, member, edgesOf.get(execution?.id as AttemptKey) ?? [], ({ name, digest }) => {
          const node = nodes.get(`${execution?.id} ${name}`);
          return node === undefined ? (names.get(digest) ?? []) : [node.replace(/^dataset:/, "")];
        });
        if (run !== null) runFacts(own, member, records.get(run.number)!);
        // All instances of a task run in one: its hundreds of packages are told once, and not a thousand times.
        const environment = execution && environments.get(`${execution.jobId}.${execution.task}`);
        if (!environment || told.has(execution.task)) continue;
        told.add(execution.task);
        const add = adder({ of: alone ? "" : execution.task, facts });
        await environmentFacts(add, parts.code, environment, execution.codeDigest);
      }
      return merged(facts);
    }),
  );
}

/** The files of the code of each side, where they are not the same: a folder may have 100,000. */
export async function codeFiles(code: CodeReader, sides: readonly Side[]): Promise<Fact[][]> {
  const digests = sides.map(
    (side) => side.members.find(({ execution }) => execution?.codeDigest)?.execution?.codeDigest,
  );
  if (new Set(digests).size === 1) return sides.map(() => []);
  return Promise.all(
    digests.map(async (digest) =>
      ((digest && (await code.files(digest))) || []).map(({ path, digest: value }): Fact => ({
        section: "code",
        of: "",
        kind: "file",
        name: path,
        value,
      })),
    ),
  );
}

interface Own {
  readonly of: string;
  readonly facts: Fact[];
}

/** Leaves out what is not known. */
function adder({ of, facts }: Own): Add {
  return (section, kind, name, value) => {
    if (value !== null && value !== "") facts.push({ section, of, kind, name, value });
  };
}

function executionFacts(
  own: Own,
  { execution }: Member,
  edges: readonly EdgeRow[],
  /** What an input is called outside of the job: as it was asked for, else every version of a data set that has these bytes. */
  namesOf: (edge: EdgeRow) => readonly string[],
): void {
  if (execution === null) return;
  // Code and parameters are those of the job.
  const whole = adder({ ...own, of: "" });
  whole("code", "commit", "commit", execution.codeCommit);
  whole("code", "digest", "digest", execution.codeDigest);
  if (execution.codeCommit !== null) whole("code", "dirty", "dirty", execution.codeDirty);
  for (const [name, value] of Object.entries(execution.params)) whole("params", "param", name, value);
  const add = adder(own);
  add("code", "command", "command", execution.command);
  for (const [name, value] of Object.entries(execution.map)) add("params", "map", name, value);
  for (const edge of edges) {
    const { direction, name, digest } = edge;
    if (direction === "output") add("outputs", "output", name, digest);
    else if (name !== CODE_EDGE) {
      add("data", "input", name, digest);
      for (const version of namesOf(edge)) add("data", "version", name, version);
    }
  }
  add("environment", "digest", "digest", execution.environmentDigest);
  add("outputs", "state", "state", execution.state);
  add("outputs", "exitCode", "exitCode", execution.exitCode);
  const took = execution.startedAtMs === null ? null : execution.finishedAtMs - execution.startedAtMs;
  add("execution", "attempt", "attempt", execution.id);
  add("execution", "node", "node", execution.node);
  add("execution", "gpus", "gpus", execution.gpuUuids.join(" "));
  add("execution", "startedAt", "startedAt", timeOf(execution.startedAtMs));
  add("execution", "durationMs", "durationMs", took);
  add("execution", "cpuMs", "cpuMs", execution.cpuMs);
  add("execution", "peakMemoryBytes", "peakMemoryBytes", execution.peakMemoryBytes);
}

function runFacts(own: Own, { run, execution }: Member, record: RunRecord): void {
  const add = adder(own);
  for (const { key, value } of record.params) add("params", "logged", key, value);
  for (const { key, value } of record.metrics)
    add(SYSTEM_METRIC.test(key) ? "execution" : "metrics", "metric", key, numberOf(value));
  for (const { name, digest, context } of record.datasets)
    add("data", "dataset", context === "" ? name : `${name} (${context})`, digest);
  for (const { model, path, digest } of record.files)
    if (model === "" && path === DIFF_FILE && execution !== null) add("code", "uncommitted", path, digest);
    else if (path !== MLMODEL && !path.endsWith(`/${MLMODEL}`))
      add("outputs", "file", model === "" ? path : `${model}/${path}`, digest);
  for (const { key, value } of record.tags) if (!SYSTEM_TAG.test(key)) add("tags", "tag", key, value);
  add("execution", "run", "run", run!.id);
  if (execution !== null) return;
  // A run of nobody's task says by itself what it ran, if its client did.
  const tag = (key: string): string => record.tags.find((one) => one.key === key)?.value ?? "";
  add("code", "commit", "commit", tag("mlflow.source.git.commit"));
  add("code", "command", "command", tag("mlflow.source.name"));
  add("outputs", "state", "state", run!.status);
  add("execution", "user", "user", run!.userId);
  add("execution", "startedAt", "startedAt", timeOf(run!.startMs));
  add("execution", "durationMs", "durationMs", run!.endMs === null ? null : run!.endMs - run!.startMs);
}

async function environmentFacts(
  add: Add,
  code: CodeReader,
  environment: Environment,
  codeDigest: Digest | null,
): Promise<void> {
  add("environment", "kind", "kind", environment.kind);
  if (environment.kind === "container") add("environment", "image", "image", environment.image);
  if (environment.kind === "python") add("environment", "python", "python", environment.version);
  if (!("lock" in environment) || codeDigest === null) return;
  const lock = await code.lock(codeDigest, environment.lock);
  for (const { path, digest } of lock.files) add("environment", "lock", path, digest);
  for (const [name, version] of lock.packages) add("environment", "package", name, version || "unversioned");
  for (const requirement of lock.loose) add("environment", "requirement", requirement, requirement);
}

/** Several values of one name become one. */
function merged(facts: readonly Fact[]): Fact[] {
  const groups = grouped(facts, ({ section, of, kind, name }) => JSON.stringify([section, of, kind, name]));
  return [...groups.values()].map((group) => {
    const values = [...new Set(group.map(({ value }) => value))];
    return values.length === 1 ? group[0]! : { ...group[0]!, value: joined(values) };
  });
}

function joined(values: readonly FactValue[]): string {
  const sorted = values.map(String).toSorted();
  if (sorted.length <= VALUES_SHOWN) return sorted.join(", ");
  return `${sorted.length} values, together ${digestBytes(sorted.join("\n"))}`;
}

/** As text: as a number it would be told by how much of itself it differs. */
function timeOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function numberOf(value: number): FactValue {
  return Number.isFinite(value) ? value : String(value);
}

function grouped<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}
