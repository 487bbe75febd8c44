import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import { type Digest, isDigest } from "../../lib/core/ids.ts";
import { isSafePath } from "../../lib/core/tree.ts";
import type { ReferenceSource } from "./collect.ts";
import { addVersion, dataLog, type DataVersion, listData, resolveData, tagData, type TellData } from "./data-store.ts";
import { readManifest } from "./manifest.ts";
import { referencePages } from "./reference.ts";
import type { ArtifactStore } from "./store.ts";

/** They become parts of URLs and of names in the graph. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const NAME_RULE = "must begin with a letter or digit and hold letters, digits, . _ - (at most 128)";
const TAG = /^[A-Za-z][A-Za-z0-9._-]{0,127}$/;
const TAG_RULE = "must begin with a letter and hold letters, digits, . _ - (at most 128)";

const addBody = z.strictObject({
  digest: z.string().refine(isDigest, "must be sha256: and 64 hex digits"),
  kind: z.enum(["file", "tree"]),
  // A checkout writes it where it stands: a path would lead elsewhere.
  fileName: z
    .string()
    .max(255)
    .refine((name) => isSafePath(name) && !name.includes("/"), "must be the name of a file, without a folder"),
  source: z.string().max(2_000).default(""),
  sourceVersion: z.string().max(500).default(""),
  message: z.string().max(10_000).default(""),
  by: z.string().max(255).default(""),
});
const tagBody = z.strictObject({ version: z.string().max(300), tag: z.string().regex(TAG, TAG_RULE) });

interface NameParams {
  readonly Params: { readonly name: string };
}

/** `/v1/data`: named and versioned data sets; see docs/artifacts.md. */
export function dataRoutes({
  pool,
  store,
  now,
  tell,
  told = () => {},
}: {
  readonly pool: Pool;
  readonly store: ArtifactStore;
  readonly now: () => number;
  /** Of each change, in its transaction. */
  readonly tell?: TellData;
  /** Once one is committed. */
  readonly told?: () => void;
}): FastifyPluginAsync {
  return async (app) => {
    app.get("/v1/data", async () => ({ data: await listData(pool) }));
    app.get<NameParams>("/v1/data/:name", (request) => resolveData(pool, request.params.name));
    app.get<NameParams>("/v1/data/:name/log", async (request) => ({
      versions: await dataLog(pool, request.params.name),
    }));
    app.post<NameParams>("/v1/data/:name/tags", async (request) => {
      const { version, tag } = read(tagBody, request, '{ "version": "3", "tag": "gold" }');
      const text = version === "" ? request.params.name : `${request.params.name}@${version}`;
      const tagged = await tagData(pool, text, tag, now(), tell);
      told();
      return tagged;
    });
    app.post<NameParams>("/v1/data/:name", async (request, reply) => {
      const { name } = request.params;
      if (!NAME.test(name)) throw new WeftError("invalid", `"${name}" is no name of a data set: it ${NAME_RULE}`);
      const { by, digest, ...body } = read(
        addBody,
        request,
        '{ "digest": "sha256:…", "kind": "tree", "fileName": "iris" }',
      );
      const size = await measure(store, digest as Digest, body.kind);
      const added = { name, digest: digest as Digest, ...body, ...size, addedBy: by, addedAtMs: now() };
      const { version, existed } = await addVersion(pool, added, tell);
      if (!existed) told();
      return reply.code(existed ? 200 : 201).send({ ...version, existed } satisfies DataVersion & { existed: boolean });
    });
  };
}

/** What all data sets keep. */
export const dataReferences: ReferenceSource = {
  name: "data sets",
  pages: (pool) => referencePages(pool, "select digest, kind from data_versions"),
};

/** A version whose bytes are not there would be one for ever. */
async function measure(
  store: ArtifactStore,
  digest: Digest,
  kind: "file" | "tree",
): Promise<{ readonly bytes: number; readonly files: number }> {
  const { files } =
    kind === "tree"
      ? await readManifest(store, digest)
      : { files: [{ digest, bytes: (await store.stat(digest))?.bytes ?? 0 }] };
  const missing = await store.missing([digest, ...files.map((file) => file.digest)]);
  if (missing.length > 0)
    throw new WeftError("failed_precondition", `the store does not have ${missing[0]}; store it before it is added`);
  return { bytes: files.reduce((sum, file) => sum + file.bytes, 0), files: files.length };
}

function read<T>(schema: z.ZodType<T>, request: FastifyRequest, example: string): T {
  const parsed = schema.safeParse(request.body);
  if (parsed.success) return parsed.data;
  throw new WeftError("invalid", `the body must be like ${example}: ${z.prettifyError(parsed.error)}`);
}
