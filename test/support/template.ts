import { migrate } from "../../lib/db.ts";

export const TEMPLATE = "weft_template";

/** Brings the template to the newest schema, so that a test's own database is a copy and not a migration. */
export async function migrateTemplate(url: string): Promise<void> {
  await migrate(url);
}
