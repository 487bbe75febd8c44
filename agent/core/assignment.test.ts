import { expect, test } from "vitest";
import type { Environment } from "../../lib/core/pipeline/spec.ts";
import { assignment } from "../../test/support/worker.ts";
import { parseAssignMessage } from "./assignment.ts";

/** Each kind that a spec may hold: the compiler asks for the ones that are new. */
const ENVIRONMENTS: { readonly [Kind in Environment["kind"]]: Environment } = {
  none: { kind: "none" },
  node: { kind: "node", lock: "package-lock.json" },
  python: { kind: "python", lock: "requirements.lock", version: null },
  container: { kind: "container", image: `a@sha256:${"0".repeat(64)}` },
};

test("an assignment arrives as it was sent, whatever its environment", () => {
  const assignments = Object.values(ENVIRONMENTS).map((environment) => assignment("true", { environment }));
  const message = JSON.parse(JSON.stringify({ term: 1, assignments }));
  expect(parseAssignMessage(JSON.stringify(message))).toEqual(message);
});

test("what makes no sense is refused, and the reason says where", () => {
  expect(parseAssignMessage("{")).toMatchObject({ invalid: expect.stringContaining("no JSON") });
  const environment = { kind: "conda" } as unknown as Environment;
  const text = JSON.stringify({ term: 1, assignments: [assignment("true", { environment })] });
  expect(parseAssignMessage(text)).toMatchObject({ invalid: expect.stringContaining("assignments[0].environment") });
});
