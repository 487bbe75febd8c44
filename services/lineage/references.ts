import type { ReferenceSource } from "../artifacts/index.ts";
import { referencePages } from "../artifacts/index.ts";

/** What attempts read and wrote, what they ran in, and their logs. */
export const lineageReferences: ReferenceSource = {
  name: "attempts",
  pages: (pool) =>
    referencePages(
      pool,
      `select digest, kind from artifacts
       union all select stdout_digest, 'file' from executions where stdout_digest is not null
       union all select stderr_digest, 'file' from executions where stderr_digest is not null`,
    ),
};
