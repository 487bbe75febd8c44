import { defineConfig } from "vitest/config";
import usual from "./vitest.config.ts";

/** `npm run conformance`: whole frameworks against the server, 15 GB to fetch at first use. */
export default defineConfig({ test: { ...usual.test, include: ["test/conformance/*.frameworks.ts"] } });
