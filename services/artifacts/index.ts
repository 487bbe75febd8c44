/**
 * The artifact store, for the services and the wiring:
 *
 *   stored = await store.putStream(null, source)          store a stream, however long; { digest, bytes, existed }
 *   bytes = await store.open(digest)                      a stream that fails with `corrupt` rather than end wrong
 *   part = await store.open(digest, { range })            [start, end) of it, unchecked
 *   await store.stat(digest), store.missing(digests)      what is there
 *   digest = await putManifest(store, files)              a folder: the digest of its manifest (lib/core/tree.ts)
 *   { files } = await readManifest(store, digest)         its files: path, digest, bytes, executable
 *   store.uploads                                         large files in parts, resumable and parallel
 */
export { artifactRoutes } from "./api.ts";
export { parseRange, type RangeAnswer } from "./core/range.ts";
export { filesWithin, putManifest, readArtifact, readManifest } from "./manifest.ts";
export { openArtifactStore, readStorePlace, type StorePlace } from "./place.ts";
export type { ArtifactStore, FolderArtifactStore, Shelf } from "./store.ts";
export type { Upload, UploadPromise, Uploads } from "./upload.ts";
export { type Collected, collectGarbage, type Referred, type ReferenceSource } from "./collect.ts";
export { collectRoutes } from "./collect-api.ts";
export { referencePages } from "./reference.ts";
export { dataReferences, dataRoutes } from "./data-api.ts";
export { dataGraph } from "./data-graph.ts";
export { type DataChange, dataNamesOf, type DataVersion, resolveAll, resolveData } from "./data-store.ts";
