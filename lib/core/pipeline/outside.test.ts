import { expect, test } from "vitest";
import type { Issue } from "../error.ts";
import { inputsFromProto, inputsToProto, outsideFileName, readOutside } from "./outside.ts";
import { readPipeline } from "./yaml.ts";

const HEX = "ab".repeat(32);

test.each([
  ["dataset:flights", "x"],
  ["dataset:flights@3", "x"],
  ["https://host/a/table%20one.csv?x=1", "table one.csv"],
  ["https://host", "x"],
  ["https://host/%2E%2E", "x"],
  ["s3://bucket/a/b.csv", "b.csv"],
  ["s3://bucket/a/b/", "b"],
  ["s3://bucket/", "x"],
  ["s3://bucket/k?versionId=7", "k"],
  ["file:///srv/data/", "data"],
  ["file:///", "x"],
  [`https://host/${"%E6%95%B0".repeat(100)}`, "x"],
])("%s is laid out as %s", (from, name) => {
  const read = readOutside(from);
  expect(read.ok && outsideFileName(read.outside, "x")).toBe(name);
});

test.each([
  "ftp://host/x",
  "dataset:",
  "dataset:a@",
  "dataset:a@b@c",
  "s3://Bucket/x",
  "s3://bucket",
  "s3://bucket/a/?versionId=7",
  "file://host/x",
  "file:///a/../b",
  "file:///%zz",
  "https://user:secret@host/x",
  "https://host/x#part",
  "https://",
  "https://host/a\nb",
  "s3://bucket/a\0b",
])("%s is refused", (from) => {
  expect(readOutside(from).ok).toBe(false);
});

test("a URI of more than 2,000 bytes is refused", () => {
  expect([1_992, 1_993].map((bytes) => readOutside(`file:///${"x".repeat(bytes)}`).ok)).toEqual([true, false]);
  expect(readOutside(`file:///${"あ".repeat(700)}`)).toEqual({
    ok: false,
    message: "has 2108 bytes; at most 2000 are allowed",
  });
});

test("inputs from outside travel as messages and come back equal, with what is said about each", () => {
  const read = readPipeline(
    `pipeline: p
params: { v: "1" }
tasks:
  a:
    inputs:
      one: dataset:flights@{{ params.v }}
      two: https://host/x#sha256=${HEX}
      three: { uri: s3://bucket/y, digest: "sha256:${HEX}", keep: false }
    run: cat {{ inputs.two }}
`,
    "weft.yaml",
  );
  if (!read.ok) throw new Error(JSON.stringify(read.issues));
  expect(read.spec.tasks[0]!.sources).toEqual({
    one: { from: "dataset:flights@{{ params.v }}" },
    three: { from: "s3://bucket/y", digest: `sha256:${HEX}`, keep: false },
    two: { from: "https://host/x", digest: `sha256:${HEX}` },
  });
  const messages = inputsToProto(read.spec.tasks[0]!) as Parameters<typeof inputsFromProto>[0];
  const issues: Issue[] = [];
  const { sources } = inputsFromProto(messages, [], issues);
  expect([sources, issues]).toEqual([read.spec.tasks[0]!.sources, []]);
});

test.each([
  ["{ x: https://host/y }", "cache: true", "may be another each time it is read"],
  ["{ x: 'dataset:{{ map.a }}' }", "", "can name parameters only"],
  ["{ x: 'dataset:{{ params.w }}' }", "", 'there is no parameter "w"'],
  ["{ x: { uri: dataset:a, keep: false } }", "", "take"],
  ["{ x: { digest: sha256:1 } }", "", 'has no "uri"'],
  ["{ x: { uri: https://h/x, digest: sha256:1 } }", "", "64 hex digits"],
  ["{ x: { uri: https://h/x, colour: red } }", "", '"colour" is not known'],
  [`{ x: { uri: "https://h/x#sha256=${HEX}", digest: "sha256:${HEX.replaceAll("a", "c")}" } }`, "", "say one of them"],
  [`{ ${Array.from({ length: 201 }, (_, i) => `x${i}: "https://h/${i}"`).join(", ")} }`, "", "reads 201 URIs"],
])("%s %s is refused", (inputs, more, said) => {
  const read = readPipeline(
    `pipeline: p\ntasks:\n  a:\n    inputs: ${inputs}\n    run: "true"\n    ${more}\n`,
    "weft.yaml",
  );
  expect(!read.ok && read.issues.map(({ message }) => message).join("\n")).toContain(said);
});
