import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "postgresql",
  schema: [
    "./scheduler/schema.ts",
    "./scheduler/*/schema.ts",
    "./services/*/schema.ts",
    "./services/*/*/schema.ts",
    "./services/*/*-schema.ts",
  ],
  // scripts/migrations.mjs --check looks what would be generated, in a copy.
  out: process.env["WEFT_MIGRATIONS_OUT"] ?? "./migrations",
});
