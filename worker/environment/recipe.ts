import type { Digest } from "../../lib/core/ids.ts";
import type { TreeFile, TreeManifest } from "../../lib/core/tree.ts";
import type { Cache } from "../cache.ts";
import type { Entrance } from "../core/variables.ts";
import type { Install } from "./install.ts";

/** What every kind of environment is made with. */
export interface Kitchen {
  readonly cache: Cache;
  /** The submitted folder; null: none was. */
  readonly code: TreeManifest | null;
  /** What tasks see of the machine's variables; programs are looked for on its PATH. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** How one environment is made; each kind of environment has a file that writes such recipes. */
export interface Recipe {
  /** Of all that decides what is installed. */
  readonly digest: Digest;
  /** Files of the submitted folder that the build reads. */
  readonly files: readonly TreeFile[];
  /** Installs into `folder`, which keeps its place for good. `source` holds `files` under their own paths. */
  build(folder: string, source: string, install: Install): Promise<void>;
  /** Makes what was built the attempt's own: by links in its workspace, by variables, or both. */
  enter(folder: string, workspace: string): Promise<Entrance>;
}

export const NO_ENTRANCE: Entrance = { path: [], variables: {} };

export function submittedFile(code: TreeManifest | null, path: string): TreeFile | undefined {
  return code?.files.find((file) => file.path === path);
}
