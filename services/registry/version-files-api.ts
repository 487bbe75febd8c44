import type { FastifyPluginAsync } from "fastify";
import { checkFilePath, failAsMlflow, Fields, joinPath, sendFile, servable } from "../tracking/index.ts";
import { noVersion } from "./core/name.ts";
import { readVersion } from "./model-api.ts";
import { findModel } from "./model-store.ts";
import type { RegistryParts } from "./parts.ts";
import { getVersion } from "./version-store.ts";

/** `GET /model-versions/get-artifact?name&version&path`: a file of a version, as an attachment. */
export function versionFiles({ pool, artifacts }: RegistryParts): FastifyPluginAsync {
  return async (app) => {
    await app.register(async (scope) => {
      failAsMlflow(scope);
      for (const prefix of ["", "/ajax-api/2.0/mlflow"])
        scope.get(`${prefix}/model-versions/get-artifact`, async (request, reply) => {
          const fields = new Fields(request.query as Record<string, unknown>);
          const { name, version, number } = readVersion(fields);
          const path = checkFilePath(fields.requiredText("path"));
          const model = await findModel(pool, name);
          if (!model) throw noVersion(name, version);
          const { location } = await getVersion(pool, model, number, version);
          return sendFile({ pool, artifacts }, joinPath(servable(location), path), request, reply);
        });
    });
  };
}
