// Where a script finds its inputs and leaves its outputs: the paths that Weft gives, or `out/` when run by hand.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";

export const inputPath = (name, byHand) => process.env[`WEFT_INPUT_${name.toUpperCase()}`] ?? `out/${byHand}`;
export const outputPath = (name, byHand) => process.env[`WEFT_OUTPUT_${name.toUpperCase()}`] ?? `out/${byHand}`;

/** A whole number given as a pipeline parameter, or `fallback` when run by hand. */
export function intParam(name, fallback) {
  const text = process.env[`WEFT_PARAM_${name.toUpperCase()}`] ?? String(fallback);
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`parameter ${name}: "${text}" is not a whole number from 1 up`);
  return value;
}

export const readText = (path) => readFileSync(path, "utf8");
export const readJson = (path) => JSON.parse(readText(path));

export function write(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  console.log(
    `wrote ${relative("", path)}: ${content.length.toLocaleString("en")} ${typeof content === "string" ? "characters" : "bytes"}`,
  );
}

export const writeJson = (path, value) => write(path, `${JSON.stringify(value, null, 2)}\n`);
