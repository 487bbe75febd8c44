import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**", "examples/**"],
    globalSetup: ["test/support/global.ts"],
    pool: "forks",
    // Each file may start servers and processes of its own: more at once only makes all of them late.
    maxWorkers: 2,
    // Real servers start within these; a test that needs longer says so itself.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
});
