import { type ReferenceSource, referencePages } from "../artifacts/index.ts";

/** Files of runs and of logged models, and parts of uploads under way. */
export const trackingReferences: ReferenceSource = {
  name: "runs",
  pages: (pool) =>
    referencePages(
      pool,
      "select digest, 'either' as kind from tracked_files union all select digest, 'file' from tracked_upload_parts",
    ),
};
