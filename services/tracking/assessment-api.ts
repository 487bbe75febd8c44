import { jsonRows } from "../../lib/json-rows.ts";
import type { Fields } from "./core/fields.ts";
import { invalid, invalidValue, missingValue } from "./core/mlflow-error.ts";
import { checkTraceId } from "./core/trace/trace.ts";
import {
  type Assessment,
  deleteAssessment,
  getAssessment,
  insertAssessment,
  updateAssessment,
} from "./assessment-store.ts";
import type { TrackingParts } from "./parts.ts";
import type { MlflowRoute } from "./route.ts";

/** What a client may change of one, by its update_mask. */
const CHANGEABLE: readonly string[] = ["assessment_name", "expectation", "feedback", "rationale", "metadata", "valid"];
const ID = /^[\w-]{1,64}$/;

/** Feedback and expectations on traces: MLflow's Assessment, kept as it comes. */
export function assessmentRoutes({ pool, now, newId }: TrackingParts): MlflowRoute[] {
  const route = (method: MlflowRoute["method"], path: string, answer: MlflowRoute["answer"]): MlflowRoute => ({
    method,
    path: `/traces/:trace_id/assessments${path}`,
    versions: ["3.0"],
    answer,
  });
  return [
    route("POST", "", async (fields) => {
      const given = givenOf(fields);
      const name = fields.object("assessment")?.requiredText("assessment_name");
      if (name === undefined) throw missingValue("assessment");
      kindOf(given);
      const at = new Date(now()).toISOString();
      const made: Assessment = {
        ...given,
        assessment_id: given.assessment_id || `a-${newId()}`,
        trace_id: traceOf(fields),
        create_time: given["create_time"] ?? at,
        last_update_time: given["last_update_time"] ?? at,
        valid: true,
      };
      if (!ID.test(made.assessment_id)) throw invalidValue("assessment.assessment_id", made.assessment_id);
      const createdMs = Date.parse(String(made["create_time"]));
      if (Number.isNaN(createdMs)) throw invalidValue("assessment.create_time", made["create_time"]);
      await insertAssessment(pool, made, kindOf(made), createdMs);
      return { assessment: made };
    }),
    route("GET", "/:assessment_id", async (fields) => ({
      assessment: await getAssessment(pool, traceOf(fields), fields.requiredText("assessment_id")),
    })),
    route("PATCH", "/:assessment_id", async (fields) => {
      const id = fields.requiredText("assessment_id");
      const change = changeOf(fields);
      const changed = await updateAssessment(pool, traceOf(fields), id, (held) => {
        if (change["feedback"] !== undefined && held["expectation"] !== undefined) throw cannotTurn("an expectation");
        if (change["expectation"] !== undefined && held["feedback"] !== undefined) throw cannotTurn("feedback");
        return { ...held, ...change, last_update_time: new Date(now()).toISOString() };
      });
      return { assessment: changed };
    }),
    route("DELETE", "/:assessment_id", async (fields) => {
      await deleteAssessment(pool, traceOf(fields), fields.requiredText("assessment_id"));
      return undefined;
    }),
  ];
}

/** As it came, but for characters that Postgres cannot hold. */
function givenOf(fields: Fields): Assessment {
  const [given] = JSON.parse(jsonRows([fields.raw("assessment") ?? {}])) as [Assessment];
  return given;
}

function traceOf(fields: Fields): string {
  return checkTraceId(fields.requiredText("trace_id"));
}

function kindOf(assessment: Assessment): "feedback" | "expectation" {
  const kinds = (["feedback", "expectation"] as const).filter((kind) => assessment[kind] !== undefined);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1)
    throw invalid("an assessment holds either `feedback` or `expectation`, and one of them it must hold");
  return kind;
}

/** The fields that the mask names, absent ones as their default. */
function changeOf(fields: Fields): Readonly<Record<string, unknown>> {
  const given = givenOf(fields);
  // Protobuf's JSON writes camel case between commas; some clients send an object of paths.
  const raw = fields.raw("update_mask");
  const paths = typeof raw === "string" ? raw.split(",") : (fields.object("update_mask")?.texts("paths") ?? []);
  const names = paths.map((path) => path.trim().replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
  if (names.length === 0) throw missingValue("update_mask");
  const unknown = names.find((name) => !CHANGEABLE.includes(name));
  if (unknown !== undefined) throw invalidValue("update_mask", unknown, `it may name ${CHANGEABLE.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, given[name] ?? (name === "metadata" ? {} : "")]));
}

function cannotTurn(what: string): Error {
  return invalid(`an assessment stays ${what}: delete it and make a new one`);
}
