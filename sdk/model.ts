import type { Gates__Output } from "../proto/gen/weft/v1/Gates.ts";
import type { GateVerdict__Output } from "../proto/gen/weft/v1/GateVerdict.ts";
import type { ModelEvaluation__Output } from "../proto/gen/weft/v1/ModelEvaluation.ts";
import type { ModelMove__Output } from "../proto/gen/weft/v1/ModelMove.ts";
import type { ModelVersion__Output } from "../proto/gen/weft/v1/ModelVersion.ts";
import type { Promotion__Output } from "../proto/gen/weft/v1/Promotion.ts";
import type { RegisteredModel__Output } from "../proto/gen/weft/v1/RegisteredModel.ts";
import type { SigningKey__Output } from "../proto/gen/weft/v1/SigningKey.ts";
import type { VerifiedVersion__Output } from "../proto/gen/weft/v1/VerifiedVersion.ts";
import { dateOf, said } from "./job.ts";

export type Metrics = Readonly<Record<string, number>>;

export interface ModelHead {
  readonly name: string;
  readonly description: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliases: readonly {
    readonly alias: string;
    readonly version: number;
    readonly setAt: Date;
    readonly setBy: string;
  }[];
  /** Null: it has no version. */
  readonly latestVersion: number | null;
}

export interface RegisteredModel extends ModelHead {
  /** Newest first. */
  readonly versions: readonly ModelVersion[];
  /** Newest first. */
  readonly moves: readonly ModelMove[];
}

export interface ModelVersion {
  readonly version: number;
  readonly uid: string;
  /** Null: its files are not in the store. */
  readonly digest: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly source: string;
  readonly location: string;
  readonly stage: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Inputs, outputs and params with their types, as MLmodel has them. */
  readonly signature: unknown;
  readonly inputExample: { readonly path: string; readonly digest: string } | null;
  readonly environment: readonly { readonly path: string; readonly digest: string }[];
  readonly flavors: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  readonly metrics: Metrics;
  readonly lineage: {
    readonly runId: string | null;
    readonly experimentId: string | null;
    readonly modelId: string | null;
    readonly attempt: string | null;
    readonly commit: string | null;
    readonly data: readonly { readonly name: string; readonly digest: string }[];
  };
  /** Newest first. */
  readonly evaluations: readonly ModelEvaluation[];
  readonly signedBy: readonly string[];
}

export interface ModelEvaluation {
  readonly id: string;
  readonly version: number;
  readonly dataset: string;
  readonly datasetDigest: string | null;
  readonly metrics: Metrics;
  readonly segments: Readonly<Record<string, Metrics>>;
  readonly attempt: string | null;
  readonly runId: string | null;
  readonly by: string;
  readonly at: Date;
}

export interface ModelMove {
  readonly kind: "set" | "rollback" | "removed" | "stage" | "refused";
  readonly alias: string | null;
  readonly from: number | null;
  readonly to: number | null;
  readonly fromStage: string | null;
  readonly toStage: string | null;
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
  readonly gates: readonly GateVerdict[];
  readonly overridden: boolean;
}

export interface GateVerdict {
  readonly gate: string;
  readonly require: string;
  readonly passed: boolean;
  readonly reason: string | null;
  /** Ids of the evaluations that were compared. */
  readonly candidate: string | null;
  readonly current: string | null;
  readonly dataset: string | null;
  readonly datasetDigest: string | null;
}

export interface Promotion {
  readonly model: string;
  readonly alias: string;
  readonly from: number | null;
  readonly to: number;
  readonly gates: readonly GateVerdict[];
  readonly overridden: boolean;
}

export interface ModelGate {
  readonly name: string;
  readonly models: readonly string[];
  readonly aliases: readonly string[];
  readonly stages: readonly string[];
  readonly data: string;
  readonly require: string;
  readonly segments: boolean;
  readonly message: string;
}

export interface GateSet {
  /** 0: none was ever set. */
  readonly number: number;
  readonly gates: readonly ModelGate[];
  readonly setAt: Date | null;
  readonly setBy: string;
}

export interface SigningKey {
  readonly name: string;
  /** SPKI, PEM. */
  readonly publicKey: string;
  readonly addedAt: Date;
  readonly addedBy: string;
  readonly revokedAt: Date | null;
}

export interface VerifiedVersion {
  readonly model: string;
  readonly version: number;
  readonly uid: string;
  readonly digest: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly signatures: readonly {
    readonly key: string;
    readonly state: "valid" | "invalid" | "revoked";
    readonly by: string;
    readonly at: Date;
  }[];
  readonly faults: readonly string[];
}

export function headOf(message: RegisteredModel__Output): ModelHead {
  return {
    name: message.name,
    description: message.description,
    createdAt: new Date(message.createdAtMs),
    updatedAt: new Date(message.updatedAtMs),
    tags: message.tags,
    aliases: message.aliases.map(({ alias, version, setAtMs, setBy }) => ({
      alias,
      version,
      setAt: new Date(setAtMs),
      setBy,
    })),
    latestVersion: message.latestVersion || null,
  };
}

export function versionOf(message: ModelVersion__Output): ModelVersion {
  const { version, uid, files, bytes, source, location, stage, aliases, description, createdBy } = message;
  const { environment, flavors, params, metrics, signedBy } = message;
  return {
    version,
    uid,
    digest: said(message.digest),
    files,
    bytes,
    source,
    location,
    stage,
    aliases,
    description,
    createdBy,
    createdAt: new Date(message.createdAtMs),
    signature: message.signature === "" ? null : (JSON.parse(message.signature) as unknown),
    inputExample: message.inputExample,
    environment,
    flavors,
    params,
    metrics,
    lineage: {
      runId: said(message.runId),
      experimentId: said(message.experimentId),
      modelId: said(message.modelId),
      attempt: said(message.attempt),
      commit: said(message.commit),
      data: message.data,
    },
    evaluations: message.evaluations.map(evaluationOf),
    signedBy,
  };
}

export function evaluationOf(message: ModelEvaluation__Output): ModelEvaluation {
  const { id, version, dataset, metrics, by } = message;
  const segments = Object.entries(message.segments).map(([name, { values }]) => [name, values] as const);
  return {
    id,
    version,
    dataset,
    datasetDigest: said(message.datasetDigest),
    metrics,
    segments: Object.fromEntries(segments),
    attempt: said(message.attempt),
    runId: said(message.runId),
    by,
    at: new Date(message.atMs),
  };
}

export function moveOf(message: ModelMove__Output): ModelMove {
  return {
    kind: message.kind as ModelMove["kind"],
    alias: said(message.alias),
    from: message.fromVersion || null,
    to: message.toVersion || null,
    fromStage: said(message.fromStage),
    toStage: said(message.toStage),
    at: new Date(message.atMs),
    by: message.by,
    reason: said(message.reason),
    gates: message.gates.map(verdictOf),
    overridden: message.overridden,
  };
}

function verdictOf(message: GateVerdict__Output): GateVerdict {
  const { gate, require, passed } = message;
  return {
    gate,
    require,
    passed,
    reason: said(message.reason),
    candidate: said(message.candidate),
    current: said(message.current),
    dataset: said(message.dataset),
    datasetDigest: said(message.datasetDigest),
  };
}

export function promotionOf(message: Promotion__Output): Promotion {
  const { name, alias, fromVersion, toVersion, gates, overridden } = message;
  return { model: name, alias, from: fromVersion || null, to: toVersion, gates: gates.map(verdictOf), overridden };
}

export function gateSetOf({ number, gates, setAtMs, setBy }: Gates__Output): GateSet {
  return { number, gates, setAt: dateOf(setAtMs), setBy };
}

export function keyOf({ name, publicKey, addedAtMs, addedBy, revokedAtMs }: SigningKey__Output): SigningKey {
  return { name, publicKey, addedAt: new Date(addedAtMs), addedBy, revokedAt: dateOf(revokedAtMs) };
}

export function verifiedOf(message: VerifiedVersion__Output): VerifiedVersion {
  const { name, version, uid, files, bytes, faults } = message;
  const signatures = message.signatures.map(({ key, state, by, atMs }) => ({
    key,
    state: state as "valid" | "invalid" | "revoked",
    by,
    at: new Date(atMs),
  }));
  return { model: name, version, uid, digest: said(message.digest), files, bytes, signatures, faults };
}
