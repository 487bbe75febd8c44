import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import type { ArtifactStore } from "../artifacts/index.ts";
import { CodeReader, type FindEnvironments } from "../lineage/index.ts";
import { comparisonOf, type ComparisonRow } from "./core/comparison.ts";
import { differenceOf, isEqual, type SectionDifference } from "./core/difference.ts";
import { codeFiles, factsOf } from "./facts.ts";
import { findSide, type FindJobs, type Side } from "./sides.ts";

/** More columns, or lines, are no table that anybody reads. */
export const COMPARED_MAX = 50;

export interface SideHead {
  /** As it was asked for. */
  readonly asked: string;
  /** Of a run that is no task's: its name. */
  readonly name: string;
  readonly runs: readonly string[];
  readonly attempts: readonly string[];
}

export interface RunDifference {
  readonly a: SideHead;
  readonly b: SideHead;
  /** All sections that count are the same. */
  readonly equal: boolean;
  readonly sections: readonly SectionDifference[];
}

export interface RunComparison {
  readonly runs: readonly SideHead[];
  readonly rows: readonly ComparisonRow[];
}

const id = z.string().min(1).max(2_000);
const diffQuery = z.object({ a: id, b: id, all: z.enum(["true", "false"]).default("false") });
const compareQuery = z.object({ run: z.union([id.transform((one) => [one]), z.array(id).max(COMPARED_MAX)]) });

export interface DifferenceParts {
  readonly pool: Pool;
  readonly artifacts: ArtifactStore;
  readonly findJobs: FindJobs;
  readonly findEnvironments: FindEnvironments;
}

/**
 * `GET /v1/runs/diff?a=…&b=…&all=true`: a RunDifference. `GET /v1/runs/compare?run=…&run=…`: parameters and metrics of up to 50 runs as a
 * RunComparison. What can be named: see findSide.
 */
export function differenceRoutes(parts: DifferenceParts): FastifyPluginAsync {
  return async (app) => {
    app.get("/v1/runs/diff", (request) => {
      const parsed = diffQuery.safeParse(request.query);
      if (!parsed.success)
        throw new WeftError("invalid", `the query must be a=…&b=…: ${z.prettifyError(parsed.error)}`);
      return difference(parts, parsed.data.a, parsed.data.b, parsed.data.all === "true");
    });
    app.get("/v1/runs/compare", (request) => {
      const parsed = compareQuery.safeParse(request.query);
      if (!parsed.success)
        throw new WeftError(
          "invalid",
          `the query must be run=…, up to ${COMPARED_MAX} times: ${z.prettifyError(parsed.error)}`,
        );
      return comparison(parts, parsed.data.run);
    });
  };
}

async function difference(parts: DifferenceParts, a: string, b: string, all: boolean): Promise<RunDifference> {
  const sides = await findSides(parts, [a, b]);
  const code = new CodeReader(parts.artifacts);
  const [facts, files] = await Promise.all([factsOf({ ...parts, code }, sides), codeFiles(code, sides)]);
  const [before, after] = facts.map((own, i) => [...own, ...files[i]!]);
  const sections = differenceOf(before!, after!, all);
  return { a: headOf(sides[0]!), b: headOf(sides[1]!), equal: isEqual(sections), sections };
}

async function comparison(parts: DifferenceParts, asked: readonly string[]): Promise<RunComparison> {
  const sides = await findSides(parts, asked);
  const facts = await factsOf({ ...parts, code: new CodeReader(parts.artifacts) }, sides);
  return { runs: sides.map(headOf), rows: comparisonOf(facts) };
}

/** One after the other: a connection each would take them from everybody else. */
async function findSides({ pool, findJobs }: DifferenceParts, asked: readonly string[]): Promise<Side[]> {
  const sides: Side[] = [];
  for (const one of asked) sides.push(await findSide(pool, findJobs, one));
  return sides;
}

function headOf({ asked, members }: Side): SideHead {
  return {
    asked,
    name: members.length === 1 ? (members[0]!.run?.name ?? members[0]!.of) : asked,
    runs: members.flatMap(({ run }) => (run === null ? [] : [run.id])),
    attempts: members.flatMap(({ execution }) => (execution === null ? [] : [execution.id])),
  };
}
