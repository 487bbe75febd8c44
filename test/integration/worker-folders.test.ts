import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { removeBuilt, WorkerBench } from "../support/worker.ts";
import { until } from "../support/wait.ts";

let bench: WorkerBench;
beforeAll(async () => {
  bench = await WorkerBench.open();
  await bench.worker.recover([], []);
});
afterAll(async () => {
  await bench.close();
  removeBuilt();
});

test("what an attempt has made goes when it has ended, its spool when it is forgotten", async () => {
  const key = bench.start("echo x > file; mkdir -p a/b; echo y > $TMPDIR/z; echo out; echo more > ../more");
  const folder = `${bench.dir}/attempts/${key}`;
  await bench.ended(key);
  await until(() => !existsSync(`${folder}/workspace`) && !existsSync(`${folder}/tmp`), "it to go");
  expect(bench.stdout(key)).toBe("out\n");
  bench.worker.forget(key);
  await until(() => !existsSync(folder), "the folder to go");
});

test("a link in the place of a folder or file goes alone: what it leads to is left as it was", async () => {
  const outside = mkdtempSync(join(tmpdir(), "weft-outside-"));
  writeFileSync(join(outside, "precious"), "x");
  mkdirSync(join(outside, "deep"));
  writeFileSync(join(outside, "deep/precious"), "x");
  for (const name of [
    "workspace",
    "tmp",
    "result.json",
    "stdout",
    "stderr",
    "script",
    "exit.json",
    "link",
    "workspace/x",
  ]) {
    const to = ["stdout", "stderr", "script", "exit.json"].includes(name) ? `${outside}/precious` : outside;
    const key = bench.start(["sh", "-c", `rm -rf ../${name}; ln -s ${to} ../${name}`]);
    await bench.ended(key);
    bench.worker.forget(key);
    await until(() => !existsSync(`${bench.dir}/attempts/${key}`), "the folder to go");
    expect((await bench.run("echo next")).outcome).toEqual({ kind: "succeeded" });
    expect(readFileSync(join(outside, "deep/precious"), "utf8")).toBe("x");
    expect(readFileSync(join(outside, "precious"), "utf8")).toBe("x");
  }
  mkdirSync(join(outside, "tmp"));
  writeFileSync(join(outside, "tmp/precious"), "x");
  const key = bench.start(["sh", "-c", `cd ..; d=$PWD; cd /; mv "$d" "$d.was"; ln -s ${outside} "$d"`]);
  await bench.ended(key);
  bench.worker.forget(key);
  await until(() => !existsSync(`${bench.dir}/attempts/${key}`), "the link to go");
  expect(readFileSync(join(outside, "tmp/precious"), "utf8")).toBe("x");
  rmSync(outside, { recursive: true });
});

test("a pipe in the place of stderr holds nobody up", async () => {
  expect(await bench.run(["sh", "-c", "rm ../stderr; mkfifo ../stderr; exit 4"])).toMatchObject({
    exitCode: 4,
    message: "exit code 4",
  });
});

test("an attempt finds nothing of those before it, also where their folders are used again", async () => {
  const nasty = [
    "echo x > ../left; echo $$ > file",
    "ln -s /dev/null ../new; mv ../new ../stderr",
    "cd ..; mv tmp was; mkdir -m 777 tmp",
    "ln ../stdout ../hard",
    "chmod 777 .",
    "echo out; echo err >&2; sleep 0.06",
  ];
  for (const script of nasty) {
    const before = bench.start(script);
    await bench.ended(before);
    bench.worker.forget(before);
    await until(() => !existsSync(`${bench.dir}/attempts/${before}`), "the folder to go");
    const key = bench.start(
      "pwd -P; stat -c %F:%a . ../tmp ../stdout ../stderr; ls -A . ../tmp; ls -A ..; cat ../exit.json",
    );
    expect((await bench.ended(key)).outcome).toEqual({ kind: "succeeded" });
    const folder = `${bench.dir}/attempts/${key}`;
    const lines = bench.stdout(key).split("\n");
    expect(lines.slice(0, 9)).toEqual([
      `${folder}/workspace`,
      "directory:700",
      "directory:700",
      expect.stringMatching(/^regular.* file:600$/),
      "regular empty file:600",
      ".:",
      "",
      "../tmp:",
      "exit.json",
    ]);
    expect(lines.slice(9).filter((line) => !["process.json", "script"].includes(line))).toEqual([
      "stderr",
      "stdout",
      "tmp",
      "workspace",
      expect.stringMatching(`^started ${key} *$`),
      "",
    ]);
    bench.worker.forget(key);
  }
});
