// `npm test`: sets the clone up, checks the code, runs all tests (arguments go to vitest). The last line is the count.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, setup } from "./setup.mjs";

setup();

let running;
/** Runs to the end with our output. Null, or how it failed. */
function run(args) {
  return new Promise((resolve) => {
    running = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
    running.once("error", (error) => resolve(error.message));
    running.once("exit", (code, signal) => resolve(code === 0 ? null : (signal ?? `exit code ${code}`)));
  });
}

// A terminal's Ctrl-C reaches what runs as well; we wait for its end, to count. Who ends us alone means both.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => running?.kill("SIGTERM"));

/** Counts of vitest's JSON report; a file that could not even be loaded counts as one failed. */
function count(file) {
  const report = JSON.parse(readFileSync(file, "utf8"));
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((one) => one.status === "failed"),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const total = { passed: 0, failed: 0, skipped: 0 };
const checkFault = await run([join(root, "scripts/check.mjs")]);
if (checkFault === null) total.passed += 1;
else {
  total.failed += 1;
  console.log(`npm run check failed (${checkFault})`);
}

const folder = mkdtempSync(join(tmpdir(), "weft-report-"));
const report = join(folder, "report.json");
const testFault = await run([
  join(root, "node_modules/vitest/vitest.mjs"),
  "run",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${report}`,
  ...process.argv.slice(2),
]);
try {
  const counted = count(report);
  for (const key of Object.keys(total)) total[key] += counted[key];
  // A runner that fails with no failed test was stopped by something outside of one: an error nobody awaited, a crash.
  if (testFault !== null && counted.failed === 0) total.failed += 1;
} catch (error) {
  total.failed += 1;
  console.log(`the tests did not run to the end (${testFault ?? error.message})`);
}
rmSync(folder, { recursive: true, force: true });
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed === 0 ? 0 : 1;
