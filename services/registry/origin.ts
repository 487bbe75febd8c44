import { WeftError } from "../../lib/core/error.ts";
import type { Digest } from "../../lib/core/ids.ts";
import { type ArtifactStore, putManifest, readArtifact, readManifest } from "../artifacts/index.ts";
import {
  filesUnder,
  loggedModelOfRun,
  type ModelOrigin,
  originOfLoggedModel,
  originOfRun,
  type ProxiedFile,
  proxyPath,
} from "../tracking/index.ts";
import { MLMODEL, MLMODEL_BYTES_MAX, type ModelFacts, readModelFiles } from "./core/facts.ts";
import { invalid } from "./core/name.ts";
import { type ModelSource, parseSource } from "./core/source.ts";
import { getModel } from "./model-store.ts";
import type { RegistryParts } from "./parts.ts";
import { resolveWord } from "./resolve.ts";
import { getVersion } from "./version-store.ts";

/** Of one model: a manifest of more is no model, and would fill the memory. */
const FILES_MAX = 100_000;

/** Where a new version comes from, with all that can be found out about it. */
export interface Origin {
  /** As it is recorded. */
  readonly source: string;
  /** Where clients read the files when we do not have them. */
  readonly location: string;
  readonly runId: string;
  readonly modelId: string;
  /** Null: we do not have them. */
  readonly folder: { readonly digest: Digest; readonly bytes: number; readonly files: readonly ProxiedFile[] } | null;
  readonly facts: ModelFacts;
}

export interface AskedOrigin {
  readonly source: string;
  /** Empty: the source says. */
  readonly runId: string;
  readonly modelId: string;
}

/** Looks the source up. Errors: `invalid` (no source that could be one), `not_found` (it names a model or version that is not there). */
export async function findOrigin(parts: RegistryParts, asked: AskedOrigin): Promise<Origin> {
  const source = parseSource(asked.source);
  if (source.kind === "version") return copyOf(parts, asked, source);
  if (source.kind === "tree") return ofTree(parts, asked, source.digest);
  const origin = await originOf(parts, asked, source);
  const path = pathOf(source, origin);
  const found = path === undefined ? [] : await filesUnder(parts.pool, path, FILES_MAX + 1);
  return described(parts, {
    asked,
    origin,
    location: source.kind === "logged" && origin ? joined(origin.artifactUri, source.path) : asked.source,
    files: found,
  });
}

async function originOf(
  { pool }: RegistryParts,
  asked: AskedOrigin,
  source: ModelSource,
): Promise<ModelOrigin | undefined> {
  if (source.kind === "logged") {
    const found = await originOfLoggedModel(pool, source.modelId);
    if (!found)
      throw new WeftError(
        "not_found",
        `Unable to fetch model from model URI source artifact location '${asked.source}': there is no logged model ${source.modelId}`,
      );
    return found;
  }
  if (asked.modelId !== "") return originOfLoggedModel(pool, asked.modelId);
  if (source.kind === "run") {
    const logged = await loggedModelOfRun(pool, source.runId, source.path);
    if (logged !== undefined) return originOfLoggedModel(pool, logged);
  }
  const runId = source.kind === "run" ? source.runId : asked.runId;
  return runId === "" ? undefined : originOfRun(pool, runId);
}

/** Behind our proxy; undefined: elsewhere. */
function pathOf(source: ModelSource, origin: ModelOrigin | undefined): string | undefined {
  if (source.kind === "proxy") return source.path;
  if (!origin || (source.kind !== "logged" && source.kind !== "run")) return undefined;
  const root = proxyPath(origin.artifactUri);
  // The files of a logged model are all in its own folder.
  const path = source.kind === "run" && origin.modelId !== "" ? "" : source.path;
  return root === undefined ? undefined : joined(root, path);
}

const joined = (root: string, path: string): string => (path === "" ? root : `${root}/${path}`);

async function copyOf(
  { pool }: RegistryParts,
  asked: AskedOrigin,
  { name, version }: ModelSource & { kind: "version" },
): Promise<Origin> {
  const model = await getModel(pool, name);
  if (model.isPrompt)
    throw invalid(
      `Invalid model version source: '${asked.source}'. Prompt versions cannot be used as model version sources.`,
    );
  const of = await getVersion(pool, model, await resolveWord(pool, model, version));
  const path = of.digest === null ? undefined : proxyPath(of.location);
  const files = path === undefined ? [] : await filesUnder(pool, path, FILES_MAX);
  return {
    source: `models:/${model.name}/${of.version}`,
    location: of.location,
    runId: asked.runId === "" ? of.runId : asked.runId,
    modelId: asked.modelId === "" ? of.modelId : asked.modelId,
    folder: of.digest === null ? null : { digest: of.digest, bytes: of.bytes, files },
    facts: of.facts,
  };
}

async function ofTree(parts: RegistryParts, asked: AskedOrigin, digest: Digest): Promise<Origin> {
  const tree = await readManifest(parts.artifacts, digest);
  const origin = asked.runId === "" ? undefined : await originOfRun(parts.pool, asked.runId);
  return described(parts, { asked, origin, location: asked.source, files: tree.files, digest });
}

async function described(
  { artifacts }: RegistryParts,
  found: {
    readonly asked: AskedOrigin;
    readonly origin: ModelOrigin | undefined;
    readonly location: string;
    readonly files: readonly ProxiedFile[];
    readonly digest?: Digest;
  },
): Promise<Origin> {
  const { asked, origin, location, files } = found;
  if (files.length > FILES_MAX)
    throw invalid(`'${asked.source}' holds more than ${FILES_MAX} files; put them together in archives`);
  const said = readModelFiles(files, await readMlmodel(artifacts, files));
  const runId = asked.runId === "" ? (origin?.runId ?? "") : asked.runId;
  const modelId = asked.modelId === "" ? (origin?.modelId ?? "") : asked.modelId;
  return {
    source: asked.source,
    location,
    runId,
    modelId,
    folder: files.length === 0 ? null : await storeManifest(artifacts, files, found.digest),
    facts: {
      ...said,
      params: origin?.params ?? {},
      metrics: origin?.metrics ?? {},
      lineage: {
        runId,
        modelId,
        experimentId: origin?.experimentId ?? "",
        attempt: origin?.attempt ?? "",
        commit: origin?.commit ?? "",
        datasets: origin?.datasets ?? [],
      },
    },
  };
}

/** `corrupt` when the store has other bytes than it should. */
async function readMlmodel(artifacts: ArtifactStore, files: readonly ProxiedFile[]): Promise<string | undefined> {
  const file = files.find(({ path }) => path === MLMODEL);
  if (!file || file.bytes > MLMODEL_BYTES_MAX) return undefined;
  return (await readArtifact(artifacts, file.digest, MLMODEL_BYTES_MAX)).toString("utf8");
}

/** The digest of a version is that of its manifest, which is an artifact like any other. */
async function storeManifest(
  artifacts: ArtifactStore,
  files: readonly ProxiedFile[],
  known: Digest | undefined,
): Promise<NonNullable<Origin["folder"]>> {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const digest =
    known ??
    (await putManifest(
      artifacts,
      files.map((file) => ({ ...file, executable: false })),
    ));
  return { digest, bytes, files };
}
