import type { FastifyPluginAsync } from "fastify";
import type { MlflowRoute } from "../tracking/index.ts";
import { Desk } from "./desk.ts";
import { Evaluations } from "./evaluations.ts";
import { modelRoutes } from "./model-api.ts";
import { Models } from "./models.ts";
import type { RegistryParts } from "./parts.ts";
import { Post } from "./post.ts";
import { Promotion } from "./promotion.ts";
import { Signing } from "./signing.ts";
import { versionRoutes } from "./version-api.ts";
import { versionFiles } from "./version-files-api.ts";
import { Versions } from "./versions.ts";
import { webhookRoutes } from "./webhook-api.ts";

/** The registry's desks: one for each kind of thing that can be done. */
export interface Registry {
  readonly parts: RegistryParts;
  readonly models: Models;
  readonly versions: Versions;
  readonly promotion: Promotion;
  readonly evaluations: Evaluations;
  readonly signing: Signing;
}

export interface OpenRegistry extends Registry {
  /** Below MLflow's prefixes. */
  readonly routes: readonly MlflowRoute[];
  /** Files of versions. */
  readonly files: FastifyPluginAsync;
  /** What is told at the moment is told to its end. */
  stop(): Promise<void>;
}

export function openRegistry(parts: RegistryParts): OpenRegistry {
  const post = new Post(parts);
  const desk = new Desk(parts, () => {
    post.wake();
    parts.told?.();
  });
  const registry: Registry = {
    parts,
    models: new Models(desk),
    versions: new Versions(desk),
    promotion: new Promotion(desk),
    evaluations: new Evaluations(desk),
    signing: new Signing(desk),
  };
  const routes = [...modelRoutes(registry), ...versionRoutes(registry), ...webhookRoutes(registry)];
  return { ...registry, routes, files: versionFiles(parts), stop: () => post.stop() };
}
