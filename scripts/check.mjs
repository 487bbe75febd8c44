// Everything that can be said of the code without running it: types, lint, format, generated files. Seconds, not minutes.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bin = (name) => join(root, "node_modules/.bin", name);

const CHECKS = [
  { name: "types", command: [bin("tsc"), "--noEmit"], remedy: "mend the types" },
  { name: "lint", command: [bin("oxlint")], remedy: "mend what oxlint names; `npx oxlint --fix` does some" },
  { name: "format", command: [bin("oxfmt"), "--check"], remedy: "npm run format" },
  { name: "proto", command: [process.execPath, "scripts/proto.mjs", "--check"], remedy: "npm run proto" },
  {
    name: "migrations",
    command: [process.execPath, "scripts/migrations.mjs", "--check"],
    remedy: "npm run migrations",
  },
  {
    name: "tidy",
    command: [bin("vitest"), "run", "--config", "vitest.tidy.config.ts"],
    remedy: "read what the law says, it tells what to do instead",
  },
];

function run({ command: [file, ...args] }) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (output += text));
    child.on("error", (error) => resolve({ code: 1, output: `${file}: ${error.message}; run \`npm run setup\`` }));
    child.on("close", (code) => resolve({ code, output }));
  });
}

let failed = 0;
for (const check of CHECKS) {
  const startedMs = Date.now();
  const { code, output } = await run(check);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${check.name} (${seconds} s)`);
  if (code === 0) continue;
  failed += 1;
  console.log(output.trimEnd());
  console.log(`     to mend it: ${check.remedy}`);
}
process.exit(failed === 0 ? 0 : 1);
