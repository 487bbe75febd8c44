import { type ReferenceSource, referencePages } from "../artifacts/index.ts";

/** The folders of versions, deleted ones excepted: their files are kept with them. */
export const registryReferences: ReferenceSource = {
  name: "registry",
  pages: (pool) =>
    referencePages(
      pool,
      "select distinct digest, 'tree' as kind from model_versions where digest is not null and deleted_ms is null",
    ),
};
