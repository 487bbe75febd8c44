import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCli, type TestCli } from "../support/cli.ts";

let cli: TestCli;

beforeAll(async () => {
  cli = await startCli("records-cli");
});
afterAll(() => cli?.stop());

test(
  "a data set is added, compared, written out, tagged, and traced; nothing of it is garbage",
  { timeout: 120_000 },
  async () => {
    const { folder, json, weft } = cli;
    const iris = join(folder, "iris");
    mkdirSync(join(iris, "sub"), { recursive: true });
    writeFileSync(join(iris, "a"), "one\n");
    writeFileSync(join(iris, "sub/run.sh"), "true\n", { mode: 0o755 });
    const first = await json("data", "add", "iris", "iris", "-m", "March", "--tag", "gold");
    expect(first).toMatchObject({ version: 1, files: 2, bytes: 9, kind: "tree", addedBy: "ada", tags: ["gold"] });
    expect(await json("data", "add", "iris", "iris")).toMatchObject({ version: 1, existed: true });
    writeFileSync(join(iris, "a"), "two\n");
    rmSync(join(iris, "sub"), { recursive: true });
    writeFileSync(join(iris, "b"), "new\n");
    expect(await json("data", "add", "iris", "iris")).toMatchObject({ version: 2, existed: false });
    expect(await json("data", "log", "iris")).toMatchObject([{ version: 2 }, { version: 1, message: "March" }]);
    const { stdout } = await weft("data", "diff", "iris@gold", "iris");
    expect(stdout).toBe("+ b  4B\n- sub/run.sh  5B\n~ a  4B to 4B\niris@1 to iris@2: 1 added, 1 removed, 1 changed\n");

    await json("data", "checkout", "iris@gold", "before");
    expect(readFileSync(join(folder, "before/a"), "utf8")).toBe("one\n");
    expect(statSync(join(folder, "before/sub/run.sh")).mode & 0o111).not.toBe(0);
    expect(await weft("data", "checkout", "iris", "before")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("before exists already; --force writes over it"),
    });
    await json("data", "checkout", "iris", "before", "--force");
    expect(readFileSync(join(folder, "before/a"), "utf8")).toBe("two\n");
    expect(await json("data", "tag", "iris", "gold")).toMatchObject({ version: 2, tags: ["gold"] });

    expect((await weft("trace", "iris@1")).stdout).toBe(
      `dataset iris@1\n  ← source: external ${first.source}\n  ← version iris: artifact ${first.digest}\n3 nodes, 3 edges\n`,
    );
    expect((await json("impact", first.digest)).nodes).toMatchObject([{ kind: "artifact" }, { id: "dataset:iris@1" }]);
    expect(await json("gc", "--dry-run")).toMatchObject({ artifacts: 6, garbage: 0, young: 0, missing: 0 });
    expect(await json("audit")).toEqual({ models: [], missing: 0 });
  },
);

test.each([
  [["data", "log", "nobody"], /no data set "nobody".*weft data add nobody PATH/],
  [["data", "add", "x", "nowhere"], /no nowhere; give a file or a folder/],
  [["data", "add", "a/b", "."], /"a\/b" is no name of a data set/],
  [["trace", "nobody"], /nothing with lineage is called "nobody"/],
  [["impact", "x", "--limit", "0"], /--limit/],
])("weft %j is refused with what would be right", async (args, said) => {
  const { exitCode, stderr } = await cli.weft(...args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(said);
});
