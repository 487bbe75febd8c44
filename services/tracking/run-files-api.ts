import type { FastifyPluginAsync } from "fastify";
import { sendFile } from "./artifact-api.ts";
import { Fields } from "./core/fields.ts";
import { checkFilePath, joinPath, proxyPath } from "./core/file-path.ts";
import { invalid, missingValue } from "./core/mlflow-error.ts";
import { filesJson, listFiles } from "./file-store.ts";
import { getModel } from "./model-store.ts";
import type { TrackingParts } from "./parts.ts";
import { type MlflowRoute, failAsMlflow } from "./route.ts";
import { getRun } from "./run-store.ts";

/** Files of runs, by the run's id. */
export function runFileRoutes({ pool }: TrackingParts): MlflowRoute[] {
  return [
    {
      method: "GET",
      path: "/artifacts/list",
      answer: async (fields) => {
        const path = checkFilePath(fields.text("path") ?? "");
        const { artifactUri } = await getRun(pool, fields.runId());
        const files = filesJson(await listFiles(pool, joinPath(servable(artifactUri), path)), path);
        return { root_uri: artifactUri, ...(files.length === 0 ? {} : { files }) };
      },
    },
  ];
}

/** `GET /get-artifact?run_id&path` and files of logged models, as attachments. */
export function getArtifact(parts: TrackingParts): FastifyPluginAsync {
  return async (app) => {
    await app.register(async (scope) => {
      failAsMlflow(scope);
      scope.get("/get-artifact", async (request, reply) => {
        const fields = new Fields(request.query as Record<string, unknown>);
        const path = checkFilePath(fields.requiredText("path"));
        if (path === "") throw missingValue("path");
        const { artifactUri } = await getRun(parts.pool, fields.runId());
        return sendFile(parts, joinPath(servable(artifactUri), path), request, reply);
      });
      for (const prefix of ["/api", "/ajax-api"])
        scope.get<{ Params: { id: string } }>(
          `${prefix}/2.0/mlflow/logged-models/:id/artifacts/files`,
          async (request, reply) => {
            const fields = new Fields(request.query as Record<string, unknown>);
            const path = checkFilePath(fields.requiredText("artifact_file_path"));
            const { artifactUri } = await getModel(parts.pool, request.params.id);
            return sendFile(parts, joinPath(servable(artifactUri), path), request, reply);
          },
        );
    });
  };
}

/** The place behind our proxy; files that lie elsewhere are their client's to read. */
export function servable(artifactUri: string): string {
  const path = proxyPath(artifactUri);
  if (path !== undefined) return path;
  throw invalid(
    `the files lie at ${artifactUri}, which this server does not reach: read them with a client that does, or give the experiment an artifact location that begins with mlflow-artifacts:/`,
  );
}
