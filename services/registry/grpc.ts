import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { type CallContext, type ServedService, tellingOutages, unary } from "../../lib/grpc.ts";
import { WeftError } from "../../lib/core/error.ts";
import { weftServices } from "../../proto/channel.ts";
import type { ModelEvaluation__Output } from "../../proto/gen/weft/v1/ModelEvaluation.ts";
import type { RegisterVersionRequest__Output } from "../../proto/gen/weft/v1/RegisterVersionRequest.ts";
import type { RegistryServiceHandlers } from "../../proto/gen/weft/v1/RegistryService.ts";
import type { ModelVersion } from "../../proto/gen/weft/v1/ModelVersion.ts";
import type { ModelGate__Output } from "../../proto/gen/weft/v1/ModelGate.ts";
import type { Gate } from "./core/gate.ts";
import { checkLength, checkModelName } from "./core/name.ts";
import { currentGates } from "./evaluation-store.ts";
import { findModel } from "./model-store.ts";
import {
  evaluationToProto,
  gatesToProto,
  headToProto,
  keysToProto,
  modelToProto,
  promotionToProto,
  verifiedToProto,
  versionToProto,
} from "./proto-view.ts";
import type { Registry } from "./registry.ts";
import { getVersion } from "./version-store.ts";
import { listModelHeads, viewModel } from "./view-store.ts";

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const ACTOR_CHARS_MAX = 200;

/** RegistryService: what MLflow's API has no words for. Any server answers it: what it reads and writes is in Postgres. */
export function registryService(registry: Registry): ServedService {
  return {
    name: "weft.v1.RegistryService",
    definition: weftServices().RegistryService.service,
    handlers: { ...lookers(registry), ...doers(registry), ...signers(registry) } as UntypedServiceImplementation,
  };
}

function lookers({ parts }: Registry): Pick<RegistryServiceHandlers, "ListModels" | "GetModel" | "GetGates"> {
  const { pool } = parts;
  const answer = answering(parts);
  return {
    ListModels: answer(async ({ limit, pageToken }) => {
      const wanted = limitOf(limit);
      const heads = await listModelHeads(pool, pageToken, wanted + 1);
      const shown = heads.slice(0, wanted);
      return { models: shown.map(headToProto), nextPageToken: heads.length > wanted ? shown.at(-1)!.name : "" };
    }),
    GetModel: answer(async ({ name, limit }) =>
      modelToProto(await viewModel(pool, checkModelName(name), limitOf(limit))),
    ),
    GetGates: answer(async () => gatesToProto(await currentGates(pool))),
  };
}

function doers(
  registry: Registry,
): Pick<RegistryServiceHandlers, "Register" | "Promote" | "Rollback" | "Evaluate" | "SetGates"> {
  const { parts, promotion, evaluations } = registry;
  const answer = answering(parts);
  return {
    Register: answer((request) => register(registry, request)),
    Promote: answer(async ({ name, version, alias, reason, note, expect, by, ...given }) => {
      const expected = "_expect" in given ? { expect: asVersion(expect) } : {};
      const asked = { name, version: String(version), alias, reason, note, ...expected };
      return promotionToProto(name, await promotion.promote(asked, actor(by)));
    }),
    Rollback: answer(async ({ name, alias, reason, expect, by, ...given }) => {
      const expected = "_expect" in given ? { expect: asVersion(expect) } : {};
      return promotionToProto(name, await promotion.rollback({ name, alias, reason, ...expected }, actor(by)));
    }),
    Evaluate: answer(async (request) => {
      const row = await evaluations.record(evaluationOf(request), actor(request.by));
      return evaluationToProto(request.model, row);
    }),
    SetGates: answer(async ({ gates, by }) => {
      await evaluations.setGates(gates.map(gateOf), actor(by));
      return gatesToProto(await currentGates(parts.pool));
    }),
  };
}

function signers({
  parts,
  signing,
}: Registry): Pick<RegistryServiceHandlers, "ListKeys" | "AddKey" | "RevokeKey" | "Sign" | "Verify"> {
  const answer = answering(parts);
  const keys = async () => keysToProto(await signing.keys());
  return {
    ListKeys: answer(() => keys()),
    AddKey: answer(async ({ name, publicKey, by }) => {
      await signing.addKey(name, publicKey, actor(by));
      return keys();
    }),
    RevokeKey: answer(async ({ name, by }) => {
      await signing.revokeKey(name, actor(by));
      return keys();
    }),
    Sign: answer(async ({ name, version, key, signature, by }) => {
      await signing.sign({ name, version: String(version), key, signature }, actor(by));
      return verifiedToProto(name, version, await signing.verify(name, String(version)));
    }),
    Verify: answer(async ({ name, version }) =>
      verifiedToProto(name, version, await signing.verify(name, String(version))),
    ),
  };
}

function answering({ log }: Registry["parts"]) {
  return <Request extends object, Response>(
    handler: (request: Request, context: CallContext) => Promise<Response> | Response,
  ) => unary<Request, Response>(log, tellingOutages(handler));
}

async function register(registry: Registry, request: RegisterVersionRequest__Output): Promise<ModelVersion> {
  const { parts, models, versions } = registry;
  const { name, source, runId, description } = request;
  const by = actor(request.by);
  const tags = Object.entries(request.tags).map(([key, value]) => ({ key, value }));
  if (source === "") throw new WeftError("invalid", "a version needs a source, like runs:/<run id>/model");
  const model = { name: checkModelName(name), description: "", tags: [] };
  if (!(await findModel(parts.pool, name))) await models.create(model, by).catch(unlessThere);
  const asked = { name, source, runId, modelId: "", runLink: "", description, tags };
  const number = await versions.create(asked, by);
  const { id } = (await findModel(parts.pool, name))!;
  const row = await getVersion(parts.pool, { id, name }, number);
  return versionToProto(name, { ...row, evaluations: [], signedBy: [] }, []);
}

/** Another made it at this moment. */
function unlessThere(error: unknown): void {
  if (!(error instanceof WeftError) || error.code !== "conflict") throw error;
}

function evaluationOf(request: ModelEvaluation__Output) {
  const { id, model, version, dataset, datasetDigest, metrics, segments, attempt, runId } = request;
  const bySegment = Object.fromEntries(Object.entries(segments).map(([name, { values }]) => [name, { ...values }]));
  return {
    name: model,
    version: String(version),
    id,
    dataset,
    datasetDigest,
    metrics: { ...metrics },
    segments: bySegment,
    attempt,
    runId,
  };
}

function gateOf({ name, models, aliases, stages, data, require, segments, message }: ModelGate__Output): Gate {
  return { name, models: models.length === 0 ? ["*"] : models, aliases, stages, data, require, segments, message };
}

const asVersion = (expect: number | undefined): number | null => (expect === undefined || expect === 0 ? null : expect);

function actor(by: string): string {
  checkLength("by", by, ACTOR_CHARS_MAX);
  return by;
}

function limitOf(asked: number): number {
  return asked === 0 ? LIMIT_DEFAULT : Math.min(asked, LIMIT_MAX);
}
