import { weftServices } from "../proto/channel.ts";
import type { Link } from "./link.ts";
import {
  headOf,
  versionOf,
  moveOf,
  promotionOf,
  evaluationOf,
  gateSetOf,
  keyOf,
  verifiedOf,
  type GateSet,
  type Metrics,
  type ModelEvaluation,
  type ModelGate,
  type ModelHead,
  type ModelVersion,
  type Promotion,
  type RegisteredModel,
  type SigningKey,
  type VerifiedVersion,
} from "./model.ts";

const DEADLINE_MS = 10_000;
/** All bytes of a version are read: some 20 GB on one disk. */
const VERIFY_DEADLINE_MS = 600_000;

export interface PromoteOptions {
  /** Why it is done although a gate says no. */
  readonly reason?: string;
  readonly note?: string;
  /** The version that the alias must point at now; null: it must not be there. */
  readonly expect?: number | null;
  readonly by?: string;
}

/** Models, promotions, evaluations, gates and signatures: `client.models`. */
export class ModelClient {
  readonly #link: Link;
  readonly #registry = weftServices().RegistryService.service;

  constructor(link: Link) {
    this.#link = link;
  }

  /** By name. */
  async list(): Promise<ModelHead[]> {
    const models: ModelHead[] = [];
    for (let pageToken = ""; ;) {
      const page = await this.#link.unary(this.#registry.ListModels, { limit: 1000, pageToken }, DEADLINE_MS);
      models.push(...page.models.map(headOf));
      pageToken = page.nextPageToken;
      if (pageToken === "") return models;
    }
  }

  /** With the newest `limit` (default 100, at most 1000) versions and moves. */
  async get(name: string, limit = 0): Promise<RegisteredModel> {
    const model = await this.#link.unary(this.#registry.GetModel, { name, limit }, DEADLINE_MS);
    return { ...headOf(model), versions: model.versions.map(versionOf), moves: model.moves.map(moveOf) };
  }

  /** A new version; the model is made when it is not there. */
  async register(
    name: string,
    source: string,
    options: { readonly runId?: string; readonly description?: string; readonly by?: string } = {},
  ): Promise<ModelVersion> {
    const { runId = "", description = "", by = "" } = options;
    const request = { name, source, runId, description, by };
    return versionOf(await this.#link.unary(this.#registry.Register, request, DEADLINE_MS));
  }

  async promote(name: string, version: number, alias: string, options: PromoteOptions = {}): Promise<Promotion> {
    const { reason = "", note = "", expect, by = "" } = options;
    const expected = expect === undefined ? {} : { expect: expect ?? 0 };
    const request = { name, version, alias, reason, note, by, ...expected };
    return promotionOf(await this.#link.unary(this.#registry.Promote, request, DEADLINE_MS));
  }

  /** The alias goes back to the version that it pointed at before. */
  async rollback(name: string, alias: string, options: Omit<PromoteOptions, "note"> = {}): Promise<Promotion> {
    const { reason = "", expect, by = "" } = options;
    const expected = expect === undefined ? {} : { expect: expect ?? 0 };
    const request = { name, alias, reason, by, ...expected };
    return promotionOf(await this.#link.unary(this.#registry.Rollback, request, DEADLINE_MS));
  }

  async evaluate(
    name: string,
    version: number,
    evaluation: {
      readonly dataset: string;
      readonly datasetDigest?: string;
      readonly metrics: Metrics;
      readonly segments?: Readonly<Record<string, Metrics>>;
      readonly attempt?: string;
      readonly runId?: string;
      /** The same id again changes nothing. */
      readonly id?: string;
      readonly by?: string;
    },
  ): Promise<ModelEvaluation> {
    const { segments = {}, metrics, ...rest } = evaluation;
    const request = {
      ...rest,
      model: name,
      version,
      metrics: { ...metrics },
      segments: Object.fromEntries(
        Object.entries(segments).map(([segment, values]) => [segment, { values: { ...values } }]),
      ),
    };
    return evaluationOf(await this.#link.unary(this.#registry.Evaluate, request, DEADLINE_MS));
  }

  async gates(): Promise<GateSet> {
    return gateSetOf(await this.#link.unary(this.#registry.GetGates, {}, DEADLINE_MS));
  }

  async setGates(gates: readonly ModelGate[], by = ""): Promise<GateSet> {
    const request = {
      by,
      gates: gates.map((gate) => ({
        ...gate,
        models: [...gate.models],
        aliases: [...gate.aliases],
        stages: [...gate.stages],
      })),
    };
    return gateSetOf(await this.#link.unary(this.#registry.SetGates, request, DEADLINE_MS));
  }

  async keys(): Promise<SigningKey[]> {
    return (await this.#link.unary(this.#registry.ListKeys, {}, DEADLINE_MS)).keys.map(keyOf);
  }

  async addKey(name: string, publicKey: string, by = ""): Promise<SigningKey[]> {
    return (await this.#link.unary(this.#registry.AddKey, { name, publicKey, by }, DEADLINE_MS)).keys.map(keyOf);
  }

  async revokeKey(name: string, by = ""): Promise<SigningKey[]> {
    return (await this.#link.unary(this.#registry.RevokeKey, { name, by }, DEADLINE_MS)).keys.map(keyOf);
  }

  /** `signature`: base64 of ed25519 over "weft model version v1\n<uid>\n<digest>\n". */
  async sign(name: string, version: number, key: string, signature: string, by = ""): Promise<VerifiedVersion> {
    const request = { name, version, key, signature, by };
    return verifiedOf(await this.#link.unary(this.#registry.Sign, request, VERIFY_DEADLINE_MS));
  }

  async verify(name: string, version: number): Promise<VerifiedVersion> {
    return verifiedOf(await this.#link.unary(this.#registry.Verify, { name, version }, VERIFY_DEADLINE_MS));
  }
}
