import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PEERS } from "./peer.ts";
import { WORKS } from "./work.ts";

const read = (path: string): string => readFileSync(new URL(`peers/${path}`, import.meta.url), "utf8");
/** `sleep-1ms` and so on are made by a loop. */
const inScript = (work: string): string => (work.startsWith("sleep-") ? 'f"sleep-{ms}ms"' : `"${work}"`);

describe.each(PEERS)("$title", ({ name }) => {
  test("has a script that measures each work", () => {
    const script = read(`run_${name}.py`);
    expect(WORKS.map((work) => work.name).filter((work) => !script.includes(inScript(work)))).toEqual([]);
  });

  test("is installed by a script of its own, each package at one version", () => {
    expect(read(`install/${name}.sh`)).toContain(`make_venv ${name} `);
    const packages = read(`install/${name}.txt`).trim().split("\n");
    expect(packages.filter((line) => !/^[\w.-]+==[\w.+-]+$/.test(line))).toEqual([]);
  });
});
