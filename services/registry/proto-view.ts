import type { Gates } from "../../proto/gen/weft/v1/Gates.ts";
import type { GateVerdict } from "../../proto/gen/weft/v1/GateVerdict.ts";
import type { ListKeysResponse } from "../../proto/gen/weft/v1/ListKeysResponse.ts";
import type { ModelEvaluation } from "../../proto/gen/weft/v1/ModelEvaluation.ts";
import type { ModelMove } from "../../proto/gen/weft/v1/ModelMove.ts";
import type { ModelVersion } from "../../proto/gen/weft/v1/ModelVersion.ts";
import type { Promotion as PromotionProto } from "../../proto/gen/weft/v1/Promotion.ts";
import type { RegisteredModel } from "../../proto/gen/weft/v1/RegisteredModel.ts";
import type { VerifiedVersion } from "../../proto/gen/weft/v1/VerifiedVersion.ts";
import type { AliasRow, MoveRow } from "./alias-store.ts";
import type { GateResult } from "./core/gate.ts";
import type { EvaluationRow, GateSet } from "./evaluation-store.ts";
import type { KeyRow } from "./key-store.ts";
import type { Promoted } from "./promotion.ts";
import type { Verified } from "./signing.ts";
import type { ModelHead, ModelView, VersionView } from "./view-store.ts";

export function headToProto(head: ModelHead): RegisteredModel {
  const { name, description, createdMs, updatedMs, tags, aliases, latestVersion } = head;
  return {
    name,
    description,
    createdAtMs: createdMs,
    updatedAtMs: updatedMs,
    tags: { ...tags },
    aliases: aliases.map(({ alias, version, setMs, setBy }) => ({ alias, version, setAtMs: setMs, setBy })),
    latestVersion,
  };
}

export function modelToProto(view: ModelView): RegisteredModel {
  return {
    ...headToProto(view),
    versions: view.versions.map((version) => versionToProto(view.name, version, view.aliases)),
    moves: view.moves.map(moveToProto),
  };
}

export function versionToProto(model: string, row: VersionView, aliases: readonly AliasRow[]): ModelVersion {
  const { facts } = row;
  const { lineage } = facts;
  return {
    model,
    version: row.version,
    uid: row.uid,
    digest: row.digest ?? "",
    files: row.files,
    bytes: row.bytes,
    source: row.source,
    location: row.location,
    stage: row.stage,
    aliases: aliases.filter(({ version }) => version === row.version).map(({ alias }) => alias),
    description: row.description,
    createdBy: row.createdBy,
    createdAtMs: row.createdMs,
    signature: facts.signature === null ? "" : JSON.stringify(facts.signature),
    inputExample: facts.inputExample,
    environment: [...facts.environment],
    flavors: [...facts.flavors],
    params: { ...facts.params },
    metrics: { ...facts.metrics },
    runId: row.runId,
    experimentId: lineage.experimentId,
    modelId: row.modelId,
    attempt: lineage.attempt,
    commit: lineage.commit,
    data: [...lineage.datasets],
    evaluations: row.evaluations.map((one) => evaluationToProto(model, one)),
    signedBy: [...row.signedBy],
  };
}

export function evaluationToProto(model: string, row: EvaluationRow): ModelEvaluation {
  const { segments, metrics, atMs, ...rest } = row;
  return {
    ...rest,
    model,
    metrics: { ...metrics },
    segments: Object.fromEntries(Object.entries(segments).map(([name, values]) => [name, { values: { ...values } }])),
    atMs,
  };
}

function moveToProto(row: MoveRow): ModelMove {
  return {
    kind: row.kind,
    alias: row.alias ?? "",
    fromVersion: row.fromVersion ?? 0,
    toVersion: row.toVersion ?? 0,
    fromStage: row.fromStage ?? "",
    toStage: row.toStage ?? "",
    atMs: row.atMs,
    by: row.by,
    reason: row.reason,
    gates: row.gates.map(verdictToProto),
    overridden: row.overridden,
  };
}

function verdictToProto(result: GateResult): GateVerdict {
  return { ...result, candidate: result.candidate ?? "", current: result.current ?? "" };
}

export function promotionToProto(name: string, { alias, from, to, gates, overridden }: Promoted): PromotionProto {
  return { name, alias, fromVersion: from ?? 0, toVersion: to, gates: gates.map(verdictToProto), overridden };
}

export function gatesToProto({ number, gates, setMs, setBy }: GateSet): Gates {
  const listed = gates.map((gate) => ({
    ...gate,
    models: [...gate.models],
    aliases: [...gate.aliases],
    stages: [...gate.stages],
  }));
  return { number, gates: listed, setAtMs: setMs, setBy };
}

export function keysToProto(keys: readonly KeyRow[]): ListKeysResponse {
  return {
    keys: keys.map(({ name, publicKey, addedMs, addedBy, revokedMs }) => ({
      name,
      publicKey,
      addedAtMs: addedMs,
      addedBy,
      revokedAtMs: revokedMs ?? 0,
    })),
  };
}

export function verifiedToProto(name: string, version: number, found: Verified): VerifiedVersion {
  const { uid, digest, files, bytes, signatures, faults } = found;
  return {
    name,
    version,
    uid,
    digest: digest ?? "",
    files,
    bytes,
    signatures: signatures.map(({ key, state, by, atMs }) => ({ key, state, by, atMs })),
    faults: [...faults],
  };
}
