import type { Readable } from "node:stream";
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { isDigest } from "../../lib/core/ids.ts";
import type { ArtifactStore } from "./store.ts";
import { UPLOAD_BYTES_MAX } from "./upload.ts";

const beginBody = z.strictObject({
  digest: z
    .string()
    .refine(isDigest, "must be sha256: and 64 hex digits, or be left out where it is not known")
    .nullable()
    .default(null),
  bytes: z
    .int("must be a whole number of bytes")
    .min(0)
    .max(UPLOAD_BYTES_MAX, `at most ${UPLOAD_BYTES_MAX} bytes are taken`),
});

interface IdParams {
  readonly Params: { readonly id: string };
}

interface PartParams {
  readonly Params: { readonly id: string; readonly part: string };
}

/** `/v1/uploads`: large files in parts; see docs/artifacts.md. */
export function uploadRoutes(store: ArtifactStore): FastifyPluginAsync {
  return async (app) => {
    app.post("/v1/uploads", async (request, reply) => {
      const parsed = beginBody.safeParse(request.body);
      if (!parsed.success)
        throw new WeftError(
          "invalid",
          `the body must be { "digest": "sha256:…", "bytes": 123 }: ${z.prettifyError(parsed.error)}`,
        );
      const { digest, bytes } = parsed.data;
      // What is there already needs no upload.
      if (digest !== null && (await store.missing([digest])).length === 0) return { digest, stored: true };
      return reply.code(201).send({ ...(await store.uploads.begin({ digest, bytes })), stored: false });
    });
    app.post<IdParams>("/v1/uploads/:id/finish", async (request, reply) => {
      const { digest, bytes, existed } = await store.uploads.finish(request.params.id);
      return reply.code(existed ? 200 : 201).send({ digest, bytes });
    });
    app.delete<IdParams>("/v1/uploads/:id", async (request, reply) => {
      await store.uploads.abort(request.params.id);
      return reply.code(204).send();
    });
    await app.register(async (parts) => {
      takeAnyBody(parts);
      parts.put<PartParams>("/v1/uploads/:id/:part", async (request, reply) => {
        const { id, part } = request.params;
        await store.uploads.putPart(id, readPart(id, part), bodyOf(request));
        return reply.code(204).send();
      });
    });
  };
}

/** Whatever content type is sent, the body stays a stream. */
export function takeAnyBody(app: Parameters<FastifyPluginAsync>[0]): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, body, done) => done(null, body));
}

export function bodyOf(request: FastifyRequest): Readable {
  return (request.body ?? request.raw) as Readable;
}

function readPart(id: string, part: string): number {
  if (/^\d{1,5}$/.test(part)) return Number(part);
  throw new WeftError("invalid", `"${part}" is no part of upload ${id}; it must be a number from 0`);
}
