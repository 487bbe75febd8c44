import type { EndedAttempt, EndedRange } from "../../../lib/core/execution.ts";
import { attemptKey, type AttemptKey, type Digest } from "../../../lib/core/ids.ts";

export interface EdgeRecord {
  readonly execution: AttemptKey;
  readonly direction: "input" | "output";
  readonly name: string;
  readonly digest: Digest;
}

export interface ArtifactRecord {
  readonly digest: Digest;
  readonly kind: "file" | "tree";
  /** Null: not known, as of submitted code. */
  readonly bytes: number | null;
  /** Null: only read so far. */
  readonly producer: AttemptKey | null;
}

/** Name of the edge from an execution to the submitted folder it ran in. */
export const CODE_EDGE = "code";

/** What the attempt read and wrote. Several instances of a mapped input are edges of one name; equal content is one edge. */
export function edgesOf({ assignment, code, report }: EndedAttempt): EdgeRecord[] {
  const execution = attemptKey(assignment.ref);
  const edges: EdgeRecord[] = [];
  if (code !== null) edges.push({ execution, direction: "input", name: CODE_EDGE, digest: code.digest });
  for (const { name, digest } of assignment.inputs) edges.push({ execution, direction: "input", name, digest });
  for (const { name, digest } of report.reads ?? []) edges.push({ execution, direction: "input", name, digest });
  for (const { name, digest } of report.outputs) edges.push({ execution, direction: "output", name, digest });
  return edges;
}

/** What every attempt of the range read; it wrote nothing. */
export function readsOf({ code, inputs }: EndedRange): Pick<EdgeRecord, "name" | "digest">[] {
  const reads = inputs.map(({ name, digest }) => ({ name, digest }));
  return code === null ? reads : [{ name: CODE_EDGE, digest: code.digest }, ...reads];
}

/** The artifacts that these read, each once. */
export function artifactsRead(ranges: readonly EndedRange[]): ArtifactRecord[] {
  const found = new Map<Digest, ArtifactRecord>();
  for (const { code, inputs } of ranges) {
    if (code !== null) found.set(code.digest, { digest: code.digest, kind: "tree", bytes: null, producer: null });
    for (const { digest, kind, bytes } of inputs) found.set(digest, { digest, kind, bytes, producer: null });
  }
  return [...found.values()];
}

/** The artifacts that these attempts touched, each once; the first of them to write one is its producer. */
export function artifactsOf(ended: readonly EndedAttempt[]): ArtifactRecord[] {
  const found = new Map<Digest, ArtifactRecord>();
  const add = (record: ArtifactRecord) => {
    const known = found.get(record.digest);
    if (known === undefined || (known.producer === null && record.producer !== null)) found.set(record.digest, record);
  };
  for (const { assignment, code, report } of ended) {
    if (code !== null) add({ digest: code.digest, kind: "tree", bytes: null, producer: null });
    for (const { digest, kind, bytes } of assignment.inputs) add({ digest, kind, bytes, producer: null });
    // What was not kept is no artifact of ours.
    for (const { digest, kind, bytes, kept } of report.reads ?? [])
      if (kept) add({ digest, kind, bytes, producer: null });
    const producer = attemptKey(assignment.ref);
    for (const { digest, kind, bytes } of report.outputs) add({ digest, kind, bytes, producer });
  }
  return [...found.values()];
}
