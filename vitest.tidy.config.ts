import { defineConfig } from "vitest/config";

/** The house laws alone: no servers are started, so that `npm run check` stays quick. */
export default defineConfig({ test: { include: ["test/tidy.test.ts"] } });
