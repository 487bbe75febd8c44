import { afterAll, beforeAll, expect, test } from "vitest";
import type { Digest } from "../../lib/core/ids.ts";
import type { Assignment } from "../../lib/core/dispatch.ts";
import { encodeTree } from "../../lib/core/tree.ts";
import { CacheDesk } from "../../scheduler/cache-desk.ts";
import { keepResults } from "../../scheduler/cache-store.ts";
import type { CacheAnswer, Lookup } from "../../scheduler/core/index.ts";
import { openStore } from "../../scheduler/store.ts";
import { Bench, flow, job, output, pipeline, task } from "../support/build.ts";
import { createDatabase } from "../support/database.ts";
import { silentLog } from "../../lib/log.ts";

let database: Awaited<ReturnType<typeof createDatabase>>;
let opened: ReturnType<typeof openStore>;
let nowMs = 1_000_000_000;
/** Submitted folders by digest: path to content digit. */
const folders = new Map<string, Record<string, string>>();

beforeAll(async () => {
  database = await createDatabase();
  opened = openStore(database.url, silentLog());
});
afterAll(async () => {
  await opened.close();
  await database.drop();
});

const digestOf = (digit: string): Digest => `sha256:${digit.repeat(64)}` as Digest;

function desk(): CacheDesk {
  const openArtifact = async (digest: Digest) => {
    const folder = folders.get(digest);
    if (!folder) throw new Error(`no ${digest}`);
    const files = Object.entries(folder).map(([path, digit]) => ({
      path,
      digest: digestOf(digit),
      bytes: 1,
      executable: false,
    }));
    return (async function* () {
      yield Buffer.from(encodeTree(files));
    })();
  };
  return new CacheDesk({
    pool: opened.store.database.pool,
    records: { openArtifact },
    now: () => nowMs,
    log: silentLog(),
  });
}

/** What the core asks of the cache for one task. */
function lookup(
  parts: Parameters<typeof task>[1],
  params: Record<string, string | number> = {},
  code: Digest | null = null,
): Lookup {
  const bench = new Bench();
  const cached = task("t", { flow: flow({ cache: { ttlMs: 0, params: null } }), ...parts });
  const spec = { ...pipeline(cached), params };
  const batch = bench.submit(job("a", spec, { params, code: code && { digest: code, commit: null, dirty: false } }));
  return batch.lookups[0]!;
}

async function ask(it: Lookup): Promise<CacheAnswer> {
  return (await desk().answer([it]))[0]!;
}

async function keep({ key }: CacheAnswer): Promise<void> {
  const row = { key: key!, execution: "x.t.0.1" as never, outputs: [output("o")], result: [1], madeAtMs: nowMs };
  const client = await opened.store.database.pool.connect();
  await keepResults(client, [row]);
  client.release();
}

const script = (text: string): Assignment["run"] => ({ kind: "script", script: text });

test("the same work is found again, and other work says in what it differs", async () => {
  folders.set(digestOf("1"), { "a.py": "a", "b.py": "b", "README.md": "c" });
  folders.set(digestOf("2"), { "a.py": "a", "b.py": "b", "README.md": "d", "weft.yaml": "e" });
  folders.set(digestOf("3"), { "a.py": "e", "b.py": "b" });
  const work = { run: script("fit {{ params.n }}"), files: ["*.py"] };
  const first = await ask(lookup(work, { n: 1 }, digestOf("1")));
  expect(first).toMatchObject({ hit: null, why: "miss: no result of it is kept" });
  expect(await ask(lookup(work, { n: 1 }, digestOf("1")))).toMatchObject({ hit: null });
  await keep(first);
  const hit = { execution: "x.t.0.1", outputs: [output("o")], result: [1], madeAtMs: nowMs };
  expect(await ask(lookup(work, { n: 1 }, digestOf("1")))).toMatchObject({ hit });
  // A file that the task does not see.
  expect(await ask(lookup(work, { n: 1 }, digestOf("2")))).toMatchObject({ hit });
  expect((await ask(lookup(work, { n: 1 }, digestOf("3")))).why).toBe("miss: since x.t.0.1 code changed");
  expect((await ask(lookup(work, { n: 2 }, digestOf("1")))).why).toBe("miss: since x.t.0.1 command, params changed");
  expect((await ask(lookup({ ...work, env: { A: "b" } }, { n: 1 }, digestOf("1")))).why).toContain("env changed");
});

test("only the parameters that are named count, and an old result does not", async () => {
  const cached = (ttlMs: number) => ({ run: script("true"), flow: flow({ cache: { ttlMs, params: ["n"] } }) });
  await keep(await ask(lookup(cached(0), { n: 7, other: 1 })));
  expect((await ask(lookup(cached(0), { n: 7, other: 2 }))).hit).not.toBeNull();
  nowMs += 3_600_000;
  const old = await ask(lookup(cached(60_000), { n: 7, other: 2 }));
  expect(old).toMatchObject({ hit: null, why: "miss: x.t.0.1 made it 1h before, and its time is 1m" });
});

test("what the cache cannot find out is run, and not kept", async () => {
  const lost = await ask(lookup({ run: script("true") }, {}, digestOf("9")));
  expect(lost).toMatchObject({
    key: null,
    hit: null,
    why: expect.stringContaining("the cache could not be asked: no sha256"),
  });
});
