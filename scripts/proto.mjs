// Makes proto/gen from proto/**/*.proto. `--check` compares instead, and fails when they differ.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const protoDir = join(root, "proto");
const check = process.argv.includes("--check");
// The trial output lies beside the real one, so that relative imports in it are the same.
const out = check ? mkdtempSync(join(protoDir, ".gen-")) : join(protoDir, "gen");

function listFiles(dir) {
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .sort();
}

const protos = readdirSync(join(protoDir, "weft/v1"))
  .filter((name) => name.endsWith(".proto"))
  .sort();
if (!check) rmSync(out, { recursive: true, force: true });
execFileSync(
  process.execPath,
  [
    join(root, "node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js"),
    "--longs=Number",
    "--enums=String",
    "--defaults",
    "--oneofs",
    "--grpcLib=@grpc/grpc-js",
    "--targetFileExtension=.ts",
    "--importFileExtension=.ts",
    `--includeDirs=${protoDir}`,
    `--outDir=${out}`,
    ...protos.map((name) => `weft/v1/${name}`),
  ],
  { stdio: ["ignore", "ignore", "inherit"], cwd: root },
);
// The generator writes where the file lay on this machine; that is nobody's business.
for (const name of listFiles(out)) {
  const path = join(out, name);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(`${root}/`, ""));
}
if (check) {
  const made = listFiles(out);
  const kept = listFiles(join(protoDir, "gen"));
  const differs = made.filter(
    (name) =>
      !kept.includes(name) ||
      readFileSync(join(out, name), "utf8") !== readFileSync(join(protoDir, "gen", name), "utf8"),
  );
  const stale = kept.filter((name) => !made.includes(name));
  rmSync(out, { recursive: true, force: true });
  if (differs.length + stale.length > 0) {
    console.error(
      `proto/gen is not what proto/weft/v1 gives: ${[...differs, ...stale].join(", ")}\nRun: npm run proto`,
    );
    process.exit(1);
  }
}
