import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { run, StoreBench } from "../support/store-bench.ts";
import { until } from "../support/wait.ts";
import { assignment, keyOf, removeBuilt } from "../support/worker.ts";

let bench: StoreBench;
beforeEach(async () => {
  bench = await StoreBench.open();
});
afterEach(() => bench.close());
afterAll(removeBuilt);

/** A package that lies in the submitted folder itself: nothing is fetched from anywhere. */
const PACKAGE = {
  "app/package.json": JSON.stringify({ name: "app", version: "1.0.0", dependencies: { greeting: "file:./greeting" } }),
  "app/package-lock.json": JSON.stringify({
    name: "app",
    version: "1.0.0",
    lockfileVersion: 3,
    packages: { "": { name: "app", version: "1.0.0" } },
  }),
};

/** The environments that are there; what was only begun is not. */
function built({ dir }: { readonly dir: string }): string[] {
  return readdirSync(join(dir, "cache/environments")).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

test("packages of a lock file are installed once, and appear as node_modules beside it", async () => {
  const worker = await bench.worker();
  const files = {
    ...PACKAGE,
    "app/package.json": JSON.stringify({ name: "app", version: "1.0.0" }),
    "app/main.mjs": "",
  };
  const code = await bench.submit(files);
  const parts = { code, files: ["app/*.mjs"], environment: { kind: "node", lock: "app/package-lock.json" } } as const;
  const both = await Promise.all([1, 2].map(() => run(worker, "readlink app/node_modules; ls app", parts)));
  for (const [ended, out] of both) {
    expect(ended).toMatchObject({
      outcome: { kind: "succeeded" },
      environmentDigest: expect.stringMatching(/^sha256:/),
    });
    const folder = realpathSync(join(worker.dir, "cache/environments", ended.environmentDigest!.slice(7)));
    expect(out).toBe(`${folder}/node_modules\nmain.mjs\nnode_modules\n`);
  }
  expect(built(worker)).toHaveLength(1);
});

test("packages that cannot be installed fail the attempt with npm's own words", async () => {
  const worker = await bench.worker();
  // The lock file does not hold what package.json asks for.
  const code = await bench.submit(PACKAGE);
  const made = assignment("true", { code, environment: { kind: "node", lock: "app/package-lock.json" } });
  worker.worker.start(made);
  const ended = await worker.ended(keyOf(made));
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "environment-failed" }, startedAtMs: null });
  expect(ended.message).toMatch(/npm ci of app\/package-lock.json failed[^]*greeting/);
  expect(worker.stderr(keyOf(made))).toContain("greeting");
  expect(readdirSync(join(worker.dir, "cache/environments"))).toEqual([]);
  const [absent] = await run(worker, "true", { code, environment: { kind: "node", lock: "package-lock.json" } });
  expect(absent).toMatchObject({
    outcome: { reason: "environment-failed" },
    message: expect.stringContaining("package-lock.json is not in the submitted folder"),
  });
});

/** A disk of 3 MB; undefined where one cannot be made. */
function smallDisk(): string | undefined {
  const path = mkdtempSync(join(bench.folder, "disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", path], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  bench.cleanups.push(() => execFileSync("umount", ["-l", path]));
  return path;
}

test("a full disk loses the attempt, names the folder, and the next one runs once there is space", async (context) => {
  const disk = smallDisk();
  if (disk === undefined) return context.skip("only root may mount a small disk to fill");
  const worker = await bench.worker({ dir: join(disk, "agent") });
  const [during] = await run(worker, "head -c 9000000 /dev/zero > big");
  expect(during).toMatchObject({
    outcome: { kind: "lost", reason: "disk-full" },
    message: expect.stringContaining(disk),
  });
  await until(
    () => !existsSync(join(worker.dir, "attempts", during.key, "workspace/big")),
    "the workspace to be emptied",
  );
  const [input] = [await bench.fileInput("x", "z".repeat(5_000_000))];
  const [before] = await run(worker, "true", { inputs: [input] });
  expect(before).toMatchObject({
    outcome: { kind: "lost", reason: "disk-full" },
    startedAtMs: null,
    message: expect.stringContaining(disk),
  });
  // Full to the last byte when the process ends: the record of its end has its place already.
  writeFileSync(join(disk, "filler"), "");
  const made = assignment(`echo up; while [ ! -e ${bench.folder}/go ]; do sleep 0.02; done`);
  worker.worker.start(made);
  await worker.line(keyOf(made), "up");
  try {
    writeFileSync(join(disk, "filler"), Buffer.alloc(9_000_000));
  } catch {
    // That is what it is for.
  }
  writeFileSync(join(bench.folder, "go"), "");
  expect(await worker.ended(keyOf(made))).toMatchObject({ outcome: { kind: "succeeded" } });
  expect(JSON.parse(readFileSync(join(worker.dir, "attempts", keyOf(made), "exit.json"), "utf8"))).toMatchObject({
    exitCode: 0,
  });
  await rm(join(disk, "filler"));
  expect((await run(worker, "true"))[0]).toMatchObject({ outcome: { kind: "succeeded" } });
});
