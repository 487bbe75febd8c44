import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Census } from "./census.ts";

test("the runner itself, which sits in its enclosure, never becomes an attempt's, however many processes come and go", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-census-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const census = new Census(folder, { pids: () => [process.pid], leave: () => {} });
  const tree = census.track("one", child.pid!);
  census.refresh();
  // So many that asking for each number is given up, and all that is there is listed.
  execFileSync("sh", ["-c", "i=0; while [ $i -lt 2500 ]; do (:); i=$((i + 1)); done"]);
  census.refresh();
  expect(tree.alive().map(({ pid }) => pid)).not.toContain(process.pid);
});
