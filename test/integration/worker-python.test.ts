import { mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Environment } from "../../lib/core/pipeline/spec.ts";
import { run, StoreBench } from "../support/store-bench.ts";
import { until } from "../support/wait.ts";
import { findProgram } from "../../worker/environment/program.ts";
import { wheel } from "../support/wheel.ts";
import { assignment, keyOf, removeBuilt, type WorkerBench } from "../support/worker.ts";

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.open();
  vi.stubEnv("PIP_NO_INDEX", "1");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await bench.close();
});
afterAll(removeBuilt);

const GREETING = wheel("greeting", "1.0", "WORD = 'hello'\n");
const HASHED = `greeting==1.0 \\\n    --hash=sha256:${GREETING.sha256}\n`;
const PRINT = `python -c 'import greeting, sys; print(greeting.WORD, sys.prefix == "'$VIRTUAL_ENV'", sys.prefix)'`;

/** The machine's pip is told where packages are, as an administrator does. */
function privateIndex(): void {
  const folder = join(bench.folder, "index");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, GREETING.file), GREETING.bytes);
  vi.stubEnv("PIP_FIND_LINKS", folder);
}

function python(lock = "requirements.lock", version: string | null = null): Environment {
  return { kind: "python", lock, version };
}

/** Links that say an environment is there. */
function built({ dir }: WorkerBench): string[] {
  return readdirSync(join(dir, "cache/environments")).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

test("a Python environment is built once for all that want it, with hashes checked and the machine's own index", async () => {
  privateIndex();
  const worker = await bench.worker();
  const code = await bench.submit({ "ml/requirements.lock": `-r base.lock\n`, "ml/base.lock": HASHED, "a.py": "" });
  const parts = { code, files: ["a.py"], environment: python("ml/requirements.lock"), env: { PATH: "/usr/bin:/bin" } };
  const both = await Promise.all([1, 2].map(() => run(worker, `${PRINT}; echo $PATH; ls`, parts)));
  for (const [ended, out] of both) {
    expect(ended).toMatchObject({
      outcome: { kind: "succeeded" },
      environmentDigest: expect.stringMatching(/^sha256:/),
    });
    const folder = realpathSync(join(worker.dir, "cache/environments", ended.environmentDigest!.slice(7)));
    expect(out).toBe(`hello True ${folder}/venv\n${folder}/venv/bin:/usr/bin:/bin\na.py\n`);
  }
  expect(built(worker)).toHaveLength(1);
  // One of the two has built it, and says so; the other has waited.
  expect(both.filter(([ended]) => worker.stderr(ended.key).includes("greeting"))).toHaveLength(1);

  // The next agent finds it, sees that somebody wrote into it, and does not pass that on.
  const module = join(worker.dir, "cache/environments", built(worker)[0]!, "venv/lib");
  const [version] = readdirSync(module);
  await worker.worker.close({ stopAttempts: true });
  writeFileSync(join(module, version!, "site-packages/greeting.py"), "WORD = 'goodbye, all of you'\n");
  await (await worker.reopen()).recover([], []);
  const [ended, out] = await run(worker, PRINT, parts);
  expect(out).toMatch(/^hello True /);
  expect(worker.stderr(ended.key)).toContain("is not as it was built");
  expect(ended.environmentDigest).toBe(both[0]![0].environmentDigest);
});

test("packages that cannot be installed fail the attempt with pip's own words", async () => {
  privateIndex();
  const worker = await bench.worker();
  const forged = `greeting==1.0 --hash=sha256:${"0".repeat(64)}\n`;
  const code = await bench.submit({
    "forged.lock": forged,
    "absent.lock": "no-such-thing==3\n",
    "chain.lock": "-c x\n",
  });
  const failing = async (environment: Environment) => (await run(worker, "true", { code, environment }))[0];
  const wrong = await failing(python("forged.lock"));
  expect(wrong).toMatchObject({ outcome: { kind: "failed", reason: "environment-failed" }, startedAtMs: null });
  expect(wrong.message).toMatch(
    /pip install of forged.lock failed with exit code 1:\n[^]*(DO NOT MATCH THE HASHES|Hash mismatch)/,
  );
  expect((await failing(python("absent.lock"))).message).toMatch(/pip install of absent.lock failed[^]*no-such-thing/);
  expect(built(worker)).toEqual([]);
  expect((await failing(python("chain.lock"))).message).toBe(
    "chain.lock names x, which is not in the submitted folder",
  );
  expect((await failing(python())).message).toMatch(/^requirements.lock is not in the submitted folder/);
  expect((await failing(python("forged.lock", "3.2"))).message).toMatch(
    /^this node has no Python 3.2: on the agent's PATH is Python 3.*ask for another pythonVersion/,
  );
});

test("a build that is cancelled leaves nothing, and goes on for the other that wants it", async () => {
  const worker = await bench.worker();
  const code = await bench.submit({
    "requirements.lock": `./wheels/${GREETING.file} --hash=sha256:${GREETING.sha256}\n`,
    [`wheels/${GREETING.file}`]: "",
  });
  const environment = python();
  const [first, second] = [1, 2].map(() => assignment(PRINT, { code, environment })) as [never, never];
  worker.worker.start(first);
  const folder = join(worker.dir, "cache/environments");
  await until(() => readdirSync(folder).length > 0, "the build to begin");
  worker.worker.start(second);
  worker.worker.stop(keyOf(first), "cancelled", 0);
  expect(await worker.ended(keyOf(first))).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  // The wheel in the folder is empty: that is what the second one hears, from a build of its own.
  expect((await worker.ended(keyOf(second))).message).toMatch(/pip install of requirements.lock failed/);
  await until(() => readdirSync(folder).length === 0, "what was half built to go");
  expect(readFileSync(join(worker.dir, "attempts", keyOf(second), "stderr"), "utf8")).not.toBe("");
});

test("what uv alone can read is installed by uv, and a node without it says so", async () => {
  const worker = await bench.worker();
  const project = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\ndependencies = []\n';
  const code = await bench.submit({
    "pyproject.toml": project,
    "uv.lock":
      'version = 1\nrequires-python = ">=3.9"\n\n[[package]]\nname = "p"\nversion = "1"\nsource = { virtual = "." }\n',
    "pylock.toml": `lock-version = "1.0"\ncreated-by = "test"\n\n[[packages]]\nname = "greeting"\nversion = "1.0"\nwheels = [{ path = "${GREETING.file}", hashes = { sha256 = "${GREETING.sha256}" } }]\n`,
  });
  for (const lock of ["uv.lock", "pylock.toml"]) {
    const [ended, out] = await run(worker, 'python -c "import sys; print(sys.prefix)"', {
      code,
      environment: python(lock),
    });
    if (findProgram("uv", process.env["PATH"] ?? "") === undefined)
      expect(ended.message).toContain(`${lock} is read by uv, which is not on this node's PATH`);
    // The wheel that the pylock.toml names was not submitted.
    else if (lock === "pylock.toml") expect(ended.message).toMatch(/uv pip install of pylock.toml failed[^]*greeting/);
    else expect(out).toContain(`${worker.dir}/cache/environments/`);
  }
});
