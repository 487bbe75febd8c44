import type { Job } from "../sdk/index.ts";

export const LISTED_STATES = ["pending", "running", "succeeded", "failed", "cancelled"] as const;

/** "3/9 done, 1 failed": instances of a job in few words. */
export function jobCounts({ counts }: Pick<Job, "counts">): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const others = (["running", "failed", "cancelled", "skipped"] as const)
    .filter((state) => (counts[state] ?? 0) > 0)
    .map((state) => `${counts[state]} ${state}`);
  return [`${counts["succeeded"] ?? 0}/${all} done`, ...others].join(", ");
}
