import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { parseRange } from "../artifacts/index.ts";
import { Fields, parseJson } from "./core/fields.ts";
import { checkFilePath, joinPath, mimeType } from "./core/file-path.ts";
import { invalid, MlflowError, missingValue } from "./core/mlflow-error.ts";
import { deleteFiles, filesJson, getFile, listFiles, putFile } from "./file-store.ts";
import { addPart, beginUpload, endUpload, joinParts, PARTS_MAX } from "./multipart-store.ts";
import type { TrackingParts } from "./parts.ts";
import { speakMlflow } from "./route.ts";

type PathRequest = FastifyRequest<{ Params: { "*": string } }>;

const PREFIXES = ["/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"];

/**
 * MLflow's artifact proxy: files go to the content-addressed store and come from it as streams, so that a file of any size needs no
 * memory and no copy on the way; Postgres knows which path has which content.
 */
export function artifactProxy(parts: TrackingParts): FastifyPluginAsync {
  return async (app) => {
    for (const prefix of PREFIXES)
      await app.register(
        async (scope) => {
          speakMlflow(scope);
          takeStreams(scope);
          addFileRoutes(scope, parts);
          addUploadRoutes(scope, parts, prefix);
        },
        { prefix },
      );
  };
}

/** Whatever content type is sent, the body stays a stream. */
function takeStreams(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", (_request, body, done) => done(null, body));
}

function addFileRoutes(scope: FastifyInstance, parts: TrackingParts): void {
  const { pool } = parts;
  scope.get("/artifacts", async (request) => {
    const path = checkFilePath(new Fields(request.query as Record<string, unknown>).text("path") ?? "");
    const files = filesJson(await listFiles(pool, path));
    return files.length === 0 ? {} : { files };
  });
  scope.get("/artifacts/*", (request: PathRequest, reply) =>
    sendFile(parts, needed(request.params["*"]), request, reply),
  );
  scope.put("/artifacts/*", async (request: PathRequest) => {
    const path = needed(request.params["*"]);
    const { digest, bytes } = await storeBody(parts, request);
    await putFile(pool, path, { digest, bytes }, parts.now());
    return {};
  });
  scope.delete("/artifacts/*", async (request: PathRequest) => {
    await deleteFiles(pool, needed(request.params["*"]));
    return {};
  });
}

/** `mpu/create|complete|abort/<folder>` with the file's name in the body; parts come to the URLs that `create` gives. */
function addUploadRoutes(scope: FastifyInstance, parts: TrackingParts, prefix: string): void {
  const { pool, artifacts } = parts;
  const post = (
    step: string,
    answer: (fields: Fields, path: string, request: FastifyRequest) => Promise<object>,
  ): void => {
    const handler = async (request: PathRequest): Promise<object> => {
      const fields = await readJson(request);
      const name = fields.requiredText("path").split("/").at(-1)!;
      return answer(fields, needed(joinPath(request.params["*"] ?? "", name)), request);
    };
    scope.post(`/mpu/${step}`, handler);
    scope.post(`/mpu/${step}/*`, handler);
  };
  post("create", async (fields, path, request) => {
    const count = fields.within("num_parts", { min: 1, max: PARTS_MAX, fallback: 1 });
    const id = parts.newId();
    await beginUpload(pool, id, path, parts.now());
    const at = `${request.protocol}://${request.host}${prefix}/mpu/part/${id}`;
    const credentials = Array.from({ length: count }, (_, part) => ({
      url: `${at}/${part + 1}`,
      part_number: part + 1,
      headers: {},
    }));
    return { upload_id: id, credentials };
  });
  post("complete", async (fields, path) => {
    const id = fields.requiredText("upload_id");
    const numbers = fields.objects("parts").map((part) => part.integer("part_number") ?? 0);
    if (numbers.length === 0) throw missingValue("parts");
    await putFile(pool, path, await joinParts(pool, artifacts, { id, path, parts: numbers }), parts.now());
    await endUpload(pool, id, path);
    return {};
  });
  post("abort", async (fields, path) => {
    await endUpload(pool, fields.requiredText("upload_id"), path);
    return {};
  });
  scope.put<{ Params: { id: string; part: string } }>("/mpu/part/:id/:part", async (request, reply) => {
    const part = Number(request.params.part);
    if (!Number.isInteger(part) || part < 1 || part > PARTS_MAX)
      throw invalid(`'${request.params.part}' is no part: they are numbered from 1 to ${PARTS_MAX}`);
    const stored = await storeBody(parts, request);
    await addPart(pool, request.params.id, part, stored);
    void reply.header("etag", `"${stored.digest}"`);
    return {};
  });
}

/** The file at the path as an attachment; a part of it where the request has a range. */
export async function sendFile(
  { pool, artifacts }: Pick<TrackingParts, "pool" | "artifacts">,
  path: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { digest, bytes } = await getFile(pool, path);
  const name = path.split("/").at(-1)!;
  void reply
    .type(mimeType(path))
    // An attachment, so that a browser does not take somebody's HTML for a page of ours.
    .header("content-disposition", `attachment; filename*=UTF-8''${encodeURIComponent(name)}`)
    .header("x-content-type-options", "nosniff")
    .header("accept-ranges", "bytes")
    .header("etag", `"${digest}"`);
  const range = parseRange(request.headers.range, bytes);
  if (range.kind === "unsatisfiable")
    return reply
      .code(416)
      .header("content-range", `bytes */${bytes}`)
      .send({ error_code: "BAD_REQUEST", message: `the file has ${bytes} bytes` });
  if (range.kind === "part") {
    const { start, end } = range;
    const part = await artifacts.open(digest, { range });
    return reply
      .code(206)
      .header("content-range", `bytes ${start}-${end - 1}/${bytes}`)
      .header("content-length", end - start)
      .send(part);
  }
  const checkFirst = bytes <= artifacts.checkFirstBytesMax;
  if (checkFirst) await artifacts.verify(digest);
  return reply.header("content-length", bytes).send(await artifacts.open(digest, { verify: !checkFirst }));
}

async function storeBody(
  { artifacts }: TrackingParts,
  request: FastifyRequest,
): Promise<{ readonly digest: Awaited<ReturnType<typeof artifacts.putStream>>["digest"]; readonly bytes: number }> {
  const length = request.headers["content-length"];
  const body = (request.body ?? request.raw) as Readable;
  return artifacts.putStream(null, body, length === undefined ? {} : { bytes: Number(length) });
}

function needed(given: string): string {
  const path = checkFilePath(given);
  if (path === "") throw invalid("Invalid path: it must name a file, not the root");
  return path;
}

/** Of requests that are small. */
const JSON_BYTES_MAX = 2 * 1024 * 1024;

async function readJson(request: FastifyRequest): Promise<Fields> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (request.body ?? request.raw) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > JSON_BYTES_MAX) throw invalid(`the request's body has more than ${JSON_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return new Fields(parseJson(Buffer.concat(chunks).toString() || "{}") as Record<string, unknown>);
  } catch (error) {
    throw new MlflowError("BAD_REQUEST", `the request's body is not JSON: ${(error as Error).message}`);
  }
}
