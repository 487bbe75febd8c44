import { join } from "node:path";
import { openStore, type Store } from "../../lib/cas.ts";

/** The server's store, in `<home>/artifacts`. */
export function openArtifactStore(home: string): Promise<Store> {
  return openStore(join(home, "artifacts"));
}
