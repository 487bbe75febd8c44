import { describeError, type Issue, WeftError } from "../../lib/core/error.ts";
import { bindSource } from "../../lib/core/pipeline/outside.ts";
import type { PipelineSpec, SourceSpec, TaskSpec } from "../../lib/core/pipeline/spec.ts";
import type { NewJob } from "../core/index.ts";
import { withIssues } from "./answer.ts";
import type { FindData, JobRead } from "./parts.ts";

export function hasSources(spec: PipelineSpec): boolean {
  return spec.tasks.some(({ sources }) => sources !== undefined);
}

/**
 * The job with what its inputs from outside are: parameters put in, and each data set fixed to the version that it is now, so that whatever runs of
 * the job, and whenever, reads the same bytes. Errors: `invalid` with issues; those of `findData`.
 */
export async function pinSources(job: NewJob, findData: FindData): Promise<NewJob> {
  if (!hasSources(job.spec)) return job;
  const issues: Issue[] = [];
  const wanted = new Set<string>();
  const bound = mapSources(job.spec, (source, task, name) => {
    const path = ["tasks", task.name, "inputs", name];
    const found = bindSource(source, job.params, path, issues);
    if (found?.outside.kind === "dataset") wanted.add(found.outside.text);
    return found?.source ?? source;
  });
  if (issues.length > 0) throw refused(job.spec, issues);
  const versions: Awaited<ReturnType<FindData>> = wanted.size === 0 ? new Map() : await findData([...wanted]);
  const spec = mapSources(bound, (source, task, name) => {
    const found = source.from.startsWith("dataset:") ? versions.get(source.from.slice("dataset:".length)) : undefined;
    if (found instanceof WeftError)
      issues.push({ path: ["tasks", task.name, "inputs", name], message: `input "${name}": ${describeError(found)}` });
    return found === undefined || found instanceof WeftError ? source : { ...source, pin: found };
  });
  if (issues.length > 0) throw refused(job.spec, issues);
  return { ...job, spec };
}

/**
 * The spec of a job that runs again: what the earlier one read from URIs is not read a second time where its bytes were kept. Where they were not, the
 * URI is read again and must have the same bytes. Where instances of one task read different bytes, each reads again what is there by then.
 */
export function pinReads(spec: PipelineSpec, reads: readonly JobRead[]): PipelineSpec {
  if (reads.length === 0) return spec;
  const byInput = new Map<string, JobRead[]>();
  for (const read of reads) {
    const key = `${read.task} ${read.name}`;
    byInput.set(key, [...(byInput.get(key) ?? []), read]);
  }
  return mapSources(spec, (source, task, name) => {
    const found = byInput.get(`${task.name} ${name}`) ?? [];
    const [read] = found;
    if (source.pin || !read || found.some(({ digest }) => digest !== read.digest)) return source;
    const { digest, kind, bytes, fileName, uri, version } = found.find(({ kept }) => kept) ?? read;
    if (!found.some(({ kept }) => kept)) return { ...source, digest };
    return { ...source, pin: { digest, kind, bytes, fileName, node: `${uri}#${version}` } };
  });
}

function mapSources(
  spec: PipelineSpec,
  change: (source: SourceSpec, task: TaskSpec, name: string) => SourceSpec,
): PipelineSpec {
  const tasks = spec.tasks.map((task): TaskSpec => {
    if (!task.sources) return task;
    const sources = Object.entries(task.sources).map(([name, source]) => [name, change(source, task, name)] as const);
    return { ...task, sources: Object.fromEntries(sources) };
  });
  return { ...spec, tasks };
}

function refused({ name }: PipelineSpec, issues: readonly Issue[]): WeftError {
  const count = issues.length === 1 ? "cannot be accepted" : `has ${issues.length} problems`;
  return withIssues("invalid", `pipeline "${name}" ${count}`, issues);
}
