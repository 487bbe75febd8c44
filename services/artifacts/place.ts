import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { type ArtifactStore, type FolderArtifactStore, openFolderStore } from "./store.ts";

/** Where the artifacts of a cluster lie. */
export type StorePlace =
  | { readonly kind: "folder"; readonly root: string }
  /** `prefix` is empty or ends with "/". Region, endpoint and credentials come from the AWS_ variables, as of any AWS client. */
  | { readonly kind: "s3"; readonly bucket: string; readonly prefix: string };

/** From WEFT_ARTIFACTS: `s3://bucket/prefix`, or a folder; not set: `<home>/artifacts`. Throws `invalid`. */
export function readStorePlace(home: string, env: NodeJS.ProcessEnv): StorePlace {
  const said = env["WEFT_ARTIFACTS"] ?? "";
  if (said === "") return { kind: "folder", root: join(home, "artifacts") };
  if (said.startsWith("/")) return { kind: "folder", root: said };
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(said);
  if (match === null) {
    throw new WeftError(
      "invalid",
      `WEFT_ARTIFACTS is "${said}"; it must be s3://BUCKET, s3://BUCKET/PREFIX or the absolute path of a folder`,
    );
  }
  const prefix = (match[2] ?? "").replace(/\/+$/, "");
  return { kind: "s3", bucket: match[1]!, prefix: prefix === "" ? "" : `${prefix}/` };
}

/** Opens the store; a path stands for `<path>/artifacts`. Errors: `failed_precondition` when a bucket is not there or may not be used. */
export function openArtifactStore(place: string): Promise<FolderArtifactStore>;
export function openArtifactStore(place: StorePlace): Promise<ArtifactStore>;
export async function openArtifactStore(place: StorePlace | string): Promise<ArtifactStore> {
  if (typeof place === "string") return openFolderStore(join(place, "artifacts"));
  if (place.kind === "folder") return openFolderStore(place.root);
  // Only where it is used: the client of S3 is a third of a second to load.
  return (await import("./s3-store.ts")).openS3Store(place);
}
