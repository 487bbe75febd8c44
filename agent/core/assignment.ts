import { z } from "zod";
import { expandAssignment } from "../../lib/core/alike.ts";
import type { Alike, Assignment, AssignMessage } from "../../lib/core/dispatch.ts";
import { attemptKey, type AttemptKey, isDigest, NAME } from "../../lib/core/ids.ts";
import type { Records } from "./record.ts";

const digest = z.string().refine(isDigest);
const bytes = z.number().nonnegative();

const run = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("script"), script: z.string() }),
  z.object({ kind: z.literal("command"), argv: z.array(z.string()).min(1) }),
]);

/** What the agent must be able to rely on; the scheduler made it, so unknown fields are of a newer one and pass. */
const assignment = z.looseObject({
  ref: z.object({
    job: z.string().regex(/^[0-9a-z]+$/),
    task: z.string().regex(NAME),
    index: z.int().nonnegative(),
    attempt: z.int().positive(),
  }),
  era: z.int().nonnegative().optional(),
  pipeline: z.string(),
  run,
  env: z.record(z.string(), z.string()),
  code: digest.nullable(),
  files: z.array(z.string()),
  inputs: z.array(
    z.looseObject({
      name: z.string().regex(NAME),
      index: z.int().nonnegative().nullable(),
      fileName: z.string(),
      digest,
      kind: z.enum(["file", "tree"]),
      bytes,
    }),
  ),
  sources: z
    .array(
      z.looseObject({
        name: z.string().regex(NAME),
        uri: z.string(),
        fileName: z.string(),
        digest: digest.nullable(),
        keep: z.boolean(),
      }),
    )
    .optional(),
  outputs: z.array(z.object({ name: z.string().regex(NAME), path: z.string() })),
  resources: z.looseObject({
    cpuMillis: bytes,
    memoryBytes: bytes,
    diskBytes: bytes,
    gpuMillis: z.int().nonnegative(),
  }),
  gpuMemoryBytes: bytes,
  checkpoint: z
    .object({
      from: z.object({ digest, kind: z.enum(["file", "tree"]), bytes }).nullable(),
      everyMs: z.number().positive().optional(),
    })
    .nullable(),
  gang: z
    .object({
      rank: z.int().nonnegative(),
      size: z.int().positive(),
      masterAddress: z.string(),
      masterPort: z.int().positive(),
    })
    .nullable(),
  gpuUuids: z.array(z.string()),
  timeoutMs: bytes,
  stopGraceMs: bytes,
  priority: z.number(),
  alike: z
    .object({
      count: z.int().positive(),
      tasks: z.array(z.string().regex(NAME)).exactOptional(),
      env: z.record(z.string(), z.array(z.string())),
      runs: z.array(run).nullable(),
    })
    .refine(isEven, "its lists differ in length")
    .optional(),
  environment: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("none") }),
    z.object({ kind: z.literal("node"), lock: z.string() }),
    z.object({ kind: z.literal("python"), lock: z.string(), version: z.string().nullable() }),
    z.object({ kind: z.literal("container"), image: z.string() }),
  ]),
});

function isEven({ count, env, runs, tasks }: Alike): boolean {
  return [...Object.values(env), ...(runs ? [runs] : []), ...(tasks ? [tasks] : [])].every(
    ({ length }) => length === count,
  );
}

const message = z.looseObject({ term: z.number(), assignments: z.array(assignment) });

/** The message, with an assignment for each instance, or why it is none. */
export function parseAssignMessage(text: string): AssignMessage | { readonly invalid: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { invalid: `no JSON: ${(error as Error).message}` };
  }
  const result = message.safeParse(value);
  if (!result.success) return { invalid: z.prettifyError(result.error) };
  const { assignments, ...rest } = result.data as unknown as AssignMessage;
  return { ...rest, assignments: assignments.flatMap(expandAssignment) };
}

export interface AssignmentCounts {
  /** Given to the worker. */
  started: number;
  /** Dropped: in the journal already. */
  known: number;
  /** Dropped: a later attempt of the instance is in the journal. */
  older: number;
  invalid: number;
}

/** Puts into `fresh` the assignments that are to go into the journal and then to be started; counts the others. */
export function sortAssignments(
  assignments: readonly Assignment[],
  fresh: Map<AttemptKey, Assignment>,
  records: Pick<Records, "judge">,
  counts: AssignmentCounts,
): void {
  for (const assignment of assignments) {
    const key = attemptKey(assignment.ref);
    const verdict = fresh.has(key) ? "known" : records.judge(assignment.ref);
    if (verdict === "new") fresh.set(key, assignment);
    else counts[verdict] += 1;
  }
}

/** Those of what has reached the disk that are to be started: not one that was refused while it was on its way there. */
export function toStart(assignments: Iterable<Assignment>, records: Pick<Records, "get">): Assignment[] {
  return [...assignments].filter(({ ref }) => records.get(attemptKey(ref))?.kind === "open");
}
