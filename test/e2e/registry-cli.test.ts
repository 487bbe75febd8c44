import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startCli, type TestCli } from "../support/cli.ts";

let cli: TestCli;
const weft: TestCli["weft"] = (...args) => cli.weft(...args);
const json: TestCli["json"] = (...args) => cli.json(...args);

beforeAll(async () => {
  cli = await startCli("registry-cli");
});
afterAll(() => cli?.stop());

const GATES = `
gates:
  - name: not-worse
    aliases: production
    data: holdout
    require: candidate.metrics.auc >= current.metrics.auc
`;

test("versions are registered, evaluated, promoted through a gate, and rolled back", { timeout: 120_000 }, async () => {
  for (const version of [1, 2])
    expect(await json("models", "register", "fraud", "s3://bucket/m")).toMatchObject({ version });
  writeFileSync(join(cli.folder, "gates.yaml"), GATES);
  expect(await json("models", "gates", "gates.yaml")).toMatchObject({ number: 1, gates: [{ name: "not-worse" }] });

  const unmeasured = await weft("promote", "fraud", "1", "production");
  expect(unmeasured.exitCode).toBe(2);
  expect(unmeasured.stderr).toMatch(/gate "not-worse".*version 1 has no evaluation on holdout/);

  writeFileSync(
    join(cli.folder, "metrics.json"),
    JSON.stringify({ metrics: { auc: 0.9 }, segments: { eu: { auc: 0.8 } } }),
  );
  await json("evaluate", "fraud", "1", "--data", "holdout@d1", "--metrics", "metrics.json");
  expect(await json("promote", "fraud", "1", "production", "--expect", "none")).toMatchObject({ from: null, to: 1 });
  await json("evaluate", "fraud", "2", "--data", "holdout@d1", "-m", "auc=0.5");
  expect((await weft("promote", "fraud", "2", "production")).stderr).toMatch(/auc 0.5, now 0.9/);
  const forced = await json("promote", "fraud", "2", "production", "--reason", "for the demo");
  expect(forced).toMatchObject({ from: 1, to: 2, overridden: true, gates: [{ gate: "not-worse", passed: false }] });
  expect((await weft("promote", "fraud", "1", "production", "--expect", "1")).stderr).toMatch(/set by ada at/);
  expect(await json("rollback", "fraud", "production")).toMatchObject({ from: 2, to: 1 });

  const model = await json("models", "fraud");
  expect(model.aliases).toMatchObject([{ alias: "production", version: 1, setBy: "ada" }]);
  expect(model.moves.map(({ kind, to }: { kind: string; to: number }) => [kind, to])).toEqual([
    ["rollback", 1],
    ["set", 2],
    ["refused", 2],
    ["set", 1],
    ["refused", 1],
  ]);
  expect(model.versions[1].evaluations).toMatchObject([
    { dataset: "holdout", segments: { eu: { auc: 0.8 } }, by: "ada" },
  ]);
  expect((await weft("models")).stdout).toMatch(/fraud +2 +production=1/);
});

test(
  "what is wrong is told with exit 2, and a version without files cannot be verified",
  { timeout: 120_000 },
  async () => {
    await json("models", "register", "empty", "s3://bucket/m");
    expect(await weft("models", "nowhere")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("nowhere not found"),
    });
    expect(await weft("models", "verify", "empty", "1")).toMatchObject({ exitCode: 1 });
    expect(await weft("rollback", "empty", "production")).toMatchObject({ exitCode: 2 });
    writeFileSync(join(cli.folder, "wrong.yaml"), "gates: [{ name: g, aliases: [a], require: nothing }]");
    const wrong = await weft("models", "gates", "wrong.yaml");
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toMatch(/wrong.yaml: the rule of the gate "g" \(nothing\)/);
    expect(JSON.parse((await weft("models", "keys", "--create", "release", "--json")).stdout)).toMatchObject([
      { name: "release", addedBy: "ada" },
    ]);
  },
);
