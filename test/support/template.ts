import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const TEMPLATE = "weft_template";

/** Brings the template to the newest schema, so that a test's own database is a copy and not a migration. */
export async function migrateTemplate(url: string): Promise<void> {
  const path = fileURLToPath(new URL("../../lib/db.ts", import.meta.url));
  if (!existsSync(path)) return;
  const { migrate } = (await import(path)) as { migrate?: (url: string) => Promise<void> };
  await migrate?.(url);
}
