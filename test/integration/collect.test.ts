import { readFile, stat, utimes, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import { digestBytes } from "../../lib/digest.ts";
import { putManifest } from "../../services/artifacts/index.ts";
import { startRecords, type TestRecords } from "../support/records.ts";
import { until } from "../support/wait.ts";

let records: TestRecords;

beforeEach(async () => {
  records = await startRecords();
});
afterEach(() => records.close());

const LONG_AGO = new Date(Date.now() - 30 * 24 * 3600 * 1000);
const age = (digest: Digest): Promise<void> => utimes(records.store.files.path(digest), LONG_AGO, LONG_AGO);

const put = (text: string): Promise<Digest> => records.put(text);

async function folder(name: string): Promise<{ tree: Digest; file: Digest }> {
  const file = await put(`file of ${name}`);
  const bytes = Buffer.byteLength(`file of ${name}`);
  return { file, tree: await putManifest(records.store, [{ path: name, digest: file, bytes, executable: false }]) };
}

async function collect(dryRun = false): Promise<Record<string, unknown>> {
  const answer = await fetch(`${records.url}/v1/gc`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ dryRun }),
  });
  const lines = (await answer.text()).trim().split("\n");
  const last = JSON.parse(lines.at(-1)!) as { result?: Record<string, unknown>; error?: unknown };
  if (!last.result) throw new Error(JSON.stringify(last.error));
  return last.result;
}

test("what jobs, attempts and runs refer to stays, with the files of folders; the rest goes, once it is old", async () => {
  const [code, output, model, inside, log] = await Promise.all([
    folder("code"),
    folder("output"),
    put("model"),
    folder("logged model"),
    put("log"),
  ]);
  const [garbage, young] = await Promise.all([folder("garbage"), put("young")]);
  await records.pool.query(
    `insert into artifacts (digest, kind, bytes, producer) values ($1, 'tree', 1, null), ($2, 'file', 1, null)`,
    [output.tree, log],
  );
  await records.pool.query(
    "insert into tracked_files (path, digest, bytes, updated_ms) values ('a', $1, 1, 0), ('b', $2, 1, 0)",
    [model, inside.tree],
  );
  await records.pool.query(
    `insert into jobs (id, pipeline, spec, shape, params, code, priority, trigger, submitted_at_ms, state, cancel_requested, reason)
     values ('j', 'p', '{}', '[]', '{}', json_build_object('digest', $1::text), 0, 'manual', 0, 'succeeded', false, '')`,
    [code.tree],
  );
  const kept = [code.tree, code.file, output.tree, output.file, model, inside.tree, inside.file, log];
  for (const digest of [...kept, garbage.tree, garbage.file]) await age(digest);

  const planned = await collect(true);
  expect(planned).toMatchObject({ dryRun: true, artifacts: 11, garbage: 2, young: 1, missing: 0 });
  expect(new Set(planned["garbageSample"] as string[])).toEqual(new Set([garbage.tree, garbage.file]));
  expect(await records.store.files.missing([garbage.tree, garbage.file])).toEqual([]);

  expect(await collect()).toMatchObject({ garbage: 2, young: 1 });
  expect(await records.store.files.missing([...kept, young])).toEqual([]);
  expect(await records.store.files.missing([garbage.tree, garbage.file])).toEqual([garbage.tree, garbage.file]);
});

test("what somebody was told is there is not removed from under him", async () => {
  const [asked, sent, unasked] = await Promise.all([put("asked"), put("sent"), put("unasked")]);
  const inParts = await put("in parts");
  for (const digest of [asked, sent, inParts, unasked]) await age(digest);
  expect(await records.store.missing([asked])).toEqual([]);
  expect(await put("sent")).toBe(sent);
  const { id } = await records.store.uploads.begin({ digest: null, bytes: 8 });
  await records.store.uploads.putPart(id, 0, Readable.from([Buffer.from("in parts")], { objectMode: false }));
  expect(await records.store.uploads.finish(id)).toMatchObject({ digest: inParts, existed: true });
  expect(await collect()).toMatchObject({ garbage: 1, young: 3 });
  expect(await records.store.files.missing([asked, sent, inParts, unasked])).toEqual([unasked]);
});

test("what is being sent again is not removed while it comes", async () => {
  const digest = await put("slow");
  await age(digest);
  const source = new Readable({ read() {} });
  source.push("sl");
  const stored = records.store.putStream(digest, source);
  await until(
    async () => (await stat(records.store.files.path(digest))).mtimeMs > Date.now() - 60_000,
    "it is counted on",
  );
  expect(await collect()).toMatchObject({ garbage: 0, young: 1 });
  source.push("ow");
  source.push(null);
  expect(await stored).toMatchObject({ digest, existed: true });
  expect(await records.store.files.missing([digest])).toEqual([]);
});

test("a reference without bytes is told; one that cannot be read ends the collection with nothing removed", async () => {
  const lost = digestBytes("lost");
  await records.pool.query("insert into tracked_files (path, digest, bytes, updated_ms) values ('a', $1, 1, 0)", [
    lost,
  ]);
  expect(await collect()).toMatchObject({ missing: 1, missingSample: [lost] });

  const [{ tree }, garbage] = await Promise.all([folder("wrong"), put("garbage")]);
  await records.pool.query("insert into tracked_files (path, digest, bytes, updated_ms) values ('b', $1, 1, 0)", [
    tree,
  ]);
  const path = records.store.files.path(tree);
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"executable":false', '"executable":true '));
  await Promise.all([age(tree), age(garbage)]);
  await expect(collect()).rejects.toThrow(/corrupt/);
  expect(await records.store.files.missing([garbage])).toEqual([]);
});
