import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { isDigest, type Digest } from "../../lib/core/ids.ts";
import { parseRange } from "./core/range.ts";
import { readArtifact } from "./manifest.ts";
import type { ArtifactStore } from "./store.ts";
import { bodyOf, takeAnyBody, uploadRoutes } from "./upload-api.ts";

/** In one question; 10,000 digests are 0.8 MB of JSON. */
const MISSING_DIGESTS_MAX = 20_000;
/** What is no larger is read into memory and checked before the first byte is sent; see ArtifactStore.checkFirstBytesMax for the rest. */
const IN_MEMORY_BYTES_MAX = 1024 * 1024;

const missingBody = z.strictObject({
  digests: z.array(z.string().refine(isDigest, "must be sha256: and 64 hex digits")).max(MISSING_DIGESTS_MAX),
});

interface DigestParams {
  readonly Params: { readonly digest: string };
}

/** `/v1/artifacts` and `/v1/uploads`, see docs/artifacts.md. */
export function artifactRoutes(store: ArtifactStore): FastifyPluginAsync {
  return async (app) => {
    app.post("/v1/artifacts/missing", (request) => onMissing(store, request.body));
    app.head<DigestParams>("/v1/artifacts/:digest", (request, reply) => onHead(store, readDigest(request), reply));
    app.get<DigestParams>("/v1/artifacts/:digest", (request, reply) =>
      onGet(store, readDigest(request), request.headers.range, reply),
    );
    await app.register(uploadRoutes(store));
    await app.register(async (uploads) => {
      takeAnyBody(uploads);
      uploads.put<DigestParams>("/v1/artifacts/:digest", (request, reply) =>
        onPut(store, readDigest(request), request, reply),
      );
    });
  };
}

async function onMissing(store: ArtifactStore, body: unknown): Promise<{ missing: Digest[] }> {
  const parsed = missingBody.safeParse(body);
  if (!parsed.success)
    throw new WeftError("invalid", `the body must be { "digests": [] }: ${z.prettifyError(parsed.error)}`);
  return { missing: await store.missing(parsed.data.digests) };
}

async function onHead(store: ArtifactStore, digest: Digest, reply: FastifyReply): Promise<FastifyReply> {
  const { bytes } = await find(store, digest);
  return describe(reply, digest).header("content-length", bytes).send();
}

async function onGet(
  store: ArtifactStore,
  digest: Digest,
  rangeHeader: string | undefined,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { bytes } = await find(store, digest);
  const range = parseRange(rangeHeader, bytes);
  if (range.kind === "unsatisfiable") {
    const message = `artifact ${digest} has ${bytes} bytes; ${rangeHeader} is outside of them`;
    return reply
      .code(416)
      .header("content-range", `bytes */${bytes}`)
      .send({ error: { code: "invalid", message } });
  }
  if (range.kind === "part") {
    const part = await store.open(digest, { range });
    const { start, end } = range;
    return describe(reply, digest)
      .code(206)
      .header("content-range", `bytes ${start}-${end - 1}/${bytes}`)
      .header("content-length", end - start)
      .send(part);
  }
  if (bytes <= IN_MEMORY_BYTES_MAX) {
    const checked = await readArtifact(store, digest, IN_MEMORY_BYTES_MAX);
    return describe(reply, digest).header("content-length", checked.length).send(checked);
  }
  const checkFirst = bytes <= store.checkFirstBytesMax;
  if (checkFirst) await store.verify(digest);
  const whole = await store.open(digest, { verify: !checkFirst });
  return describe(reply, digest).header("content-length", bytes).send(whole);
}

async function onPut(
  store: ArtifactStore,
  digest: Digest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const length = request.headers["content-length"];
  const stored = await store.putStream(digest, bodyOf(request), length === undefined ? {} : { bytes: Number(length) });
  return reply.code(stored.existed ? 200 : 201).send({ digest, bytes: stored.bytes });
}

function readDigest(request: FastifyRequest<DigestParams>): Digest {
  const { digest } = request.params;
  if (isDigest(digest)) return digest;
  throw new WeftError("invalid", `"${digest}" is no digest; it must be sha256: and 64 hex digits`);
}

async function find(store: ArtifactStore, digest: Digest): Promise<{ readonly bytes: number }> {
  const found = await store.stat(digest);
  if (found === undefined) throw new WeftError("not_found", `artifact ${digest} is not in the store`);
  return found;
}

/** Content never changes under its digest; browsers must not take it for a page of ours. */
function describe(reply: FastifyReply, digest: Digest): FastifyReply {
  return reply
    .type("application/octet-stream")
    .header("accept-ranges", "bytes")
    .header("cache-control", "private, max-age=31536000, immutable")
    .header("etag", `"${digest}"`)
    .header("x-content-type-options", "nosniff");
}
