import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";

/** Whom a unit may import, beside itself. Services are separate programs: each folder in services/ is a unit. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  lib: ["proto"],
  scheduler: ["proto", "lib"],
  services: ["proto", "lib"],
  worker: ["proto", "lib"],
  agent: ["proto", "lib", "worker"],
  sdk: ["proto"],
  cli: ["proto", "lib", "scheduler", "services", "worker", "agent", "sdk"],
};
/** From left to right: a service sees the `index.ts` of those to its left. */
const SERVICES = "access artifacts lineage tracking registry features serving monitoring delivery".split(" ");
/** What wires programs together from all units may import all of them; nothing imports it. */
const WIRING = ["cli"];
/** What code in a core/ folder must not touch: it is given time, ids and chance. */
const AMBIENT =
  /\b(Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|setInterval|setImmediate|process\.|crypto\.|randomUUID|fetch\(|console\.|await\b)/;
const LINES_MAX = 400;
const NO_NOUN = /^(utils?|helpers?|types|common|misc|shared)(\.test)?\.ts$/;

const top = (path: string): string => path.split("/")[0]!;
const unit = (path: string): string => (top(path) === "services" ? path.split("/").slice(0, 2).join("/") : top(path));
const isCore = (path: string): boolean => path.split("/").includes("core");
const isMain = (path: string): boolean => /(^|\/)main\.ts$/.test(path);

function listFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return ["node_modules", "gen", "fixtures"].includes(entry.name) ? [] : listFiles(path);
    return path.endsWith(".ts") ? [path] : [];
  });
}

const all = [...Object.keys(MAY_IMPORT), "test", "bench"].flatMap(listFiles);
const source = all.filter((path) => top(path) in MAY_IMPORT && !path.endsWith(".test.ts"));
const textOf = (path: string): string => readFileSync(path, "utf8");

interface Import {
  readonly target: string;
  /** The path in the repository, null for packages. */
  readonly local: string | null;
}

function importsOf(path: string): Import[] {
  const statement =
    /(?:^|\n)\s*(?:import|export)\s+(?:[\w$*{}\s,]+\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
  return [...textOf(path).matchAll(statement)].map(([, fixed, dynamic]) => {
    const target = fixed ?? dynamic ?? "";
    return { target, local: target.startsWith(".") ? join(dirname(path), target) : null };
  });
}

function serviceFault(from: string, to: string): string | null {
  const [mine, theirs] = [from, to].map((path) => path.split("/")[1]!) as [string, string];
  if (SERVICES.indexOf(theirs) > SERVICES.indexOf(mine))
    return `imports ${to}, which is to its right in ${SERVICES.join(", ")}: let ${theirs} call ${mine}, or hand the value in`;
  if (to !== `services/${theirs}/index.ts`)
    return `imports ${to}: only services/${theirs}/index.ts is open to others; export it there`;
  return null;
}

function layerFault(path: string, { local }: Import): string | null {
  if (local === null || unit(local) === unit(path)) return null;
  const allowed = MAY_IMPORT[top(path)]!;
  if (top(local) === "services" && top(path) === "services") return serviceFault(path, local);
  if (allowed.includes(top(local))) return null;
  return `imports ${local}: ${unit(path)} may import ${allowed.join(", ") || "nothing"}. Move what both need to lib/ (or proto/), or hand it in where cli/ wires them`;
}

function roleFault(path: string, { local }: Import): string | null {
  if (local === null || WIRING.includes(unit(path)) || unit(local) !== unit(path)) return null;
  if (isMain(local) && !isMain(path))
    return `imports ${local}: main.ts only wires; move what is needed to a file of its own`;
  return null;
}

function purityFaults(path: string): string[] {
  if (!isCore(path)) return [];
  const foreign = importsOf(path)
    .filter(({ target, local }) =>
      local === null ? target !== "node:assert" : !isCore(local) && top(local) !== "proto",
    )
    .filter(({ target }) => !PURE_PACKAGES.includes(target))
    .map(({ target }) => `core imports ${target}: core/ does no I/O; let an edge file do it and hand the result in`);
  const code = textOf(path).replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, "");
  const ambient = AMBIENT.exec(code);
  return ambient === null ? foreign : [...foreign, `core uses ${ambient[1]}: take now, newId or random as an argument`];
}

/** Packages that only compute: they read no clock, no file and no chance. */
const PURE_PACKAGES = ["@marcbachmann/cel-js", "zod", "yaml", "picomatch", "ignore", "croner", "protobufjs"];

/** Path to faults, for those that have any; its printed form is the message of a failing test. */
function faulty(paths: readonly string[], faultsOf: (path: string) => (string | null)[]): Record<string, string[]> {
  const entries = paths.map((path) => [path, faultsOf(path).filter((fault) => fault !== null)] as const);
  return Object.fromEntries(entries.filter(([, faults]) => faults.length > 0)) as Record<string, string[]>;
}

describe("the house is tidy", () => {
  test("there is source to check", () => expect(source.length).toBeGreaterThan(10));

  test("imports run one way: proto, lib, then scheduler, worker, agent and services, then cli", () => {
    expect(faulty(source, (path) => importsOf(path).map((one) => layerFault(path, one)))).toEqual({});
  });

  test("inside a unit main.ts imports edges, edges import core, and nothing imports main.ts", () => {
    expect(faulty(source, (path) => importsOf(path).map((one) => roleFault(path, one)))).toEqual({});
  });

  test("core/ imports core only, and touches no clock, no chance and no I/O", () => {
    expect(faulty(source, purityFaults)).toEqual({});
  });

  test(`a file has at most ${LINES_MAX} lines`, () => {
    const linesOf = (path: string): number => textOf(path).trimEnd().split("\n").length;
    const fault = (path: string): string | null =>
      linesOf(path) <= LINES_MAX ? null : `has ${linesOf(path)} lines: find the second noun in it and give that a file`;
    expect(faulty(all, (path) => [fault(path)])).toEqual({});
  });

  test("a file is named after its noun", () => {
    const fault = (path: string): string | null =>
      NO_NOUN.test(path.split("/").at(-1)!)
        ? "this name says nothing: name the file after what is in it, one noun a file"
        : null;
    expect(faulty(all, (path) => [fault(path)])).toEqual({});
  });
});
