import { expect, test } from "vitest";
import { parseSource } from "./source.ts";

const HEX = "0123456789abcdef".repeat(4);

test.each([
  ["runs:/r1/model/a", { kind: "run", runId: "r1", path: "model/a" }],
  [`models:/m-${HEX.slice(0, 32)}`, { kind: "logged", modelId: `m-${HEX.slice(0, 32)}`, path: "" }],
  ["models:/fraud/3", { kind: "version", name: "fraud", version: { kind: "number", number: 3 } }],
  ["models:/fraud@champion", { kind: "version", name: "fraud", version: { kind: "alias", alias: "champion" } }],
  ["models:/fraud/latest", { kind: "version", name: "fraud", version: { kind: "alias", alias: "latest" } }],
  ["models:/fraud/Production", { kind: "version", name: "fraud", version: { kind: "stage", stage: "Production" } }],
  ["mlflow-artifacts:/1/r1/artifacts/model/", { kind: "proxy", path: "1/r1/artifacts/model" }],
  ["mlflow-artifacts://host:80/1/a%20b", { kind: "proxy", path: "1/a b" }],
  ["http://host/api/2.0/mlflow-artifacts/artifacts/1/x", { kind: "proxy", path: "1/x" }],
  [`weft:/sha256:${HEX}`, { kind: "tree", digest: `sha256:${HEX}` }],
  ["s3://bucket/model?versionId=1", { kind: "foreign" }],
])("%s", (source, expected) => {
  expect(parseSource(source)).toEqual(expected);
});

test.each([
  "/etc/passwd",
  "model",
  "file:///etc",
  "runs:/r1",
  "models:/a/b/c",
  "mlflow-artifacts:/1/../2",
  "mlflow-artifacts:/1/%252e%252e/2",
  "mlflow-artifacts:/1/a%00",
  "s3://bucket/../other",
  "weft:/sha256:12",
])("%s is refused", (source) => {
  expect(() => parseSource(source)).toThrow(expect.objectContaining({ code: "invalid" }));
});
