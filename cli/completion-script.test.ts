import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { completionScript } from "./completion-script.ts";

const commands = [
  { name: "submit", summary: "run a pipeline", options: [{ flag: "--param", summary: "it's a value: [x]" }] },
  { name: "logs", summary: "show what tasks write", options: [{ flag: "--follow", summary: "go on" }] },
];

/** Completes as bash would at the end of the line, with a `weft` that answers for the server. */
function complete(line: string): string[] {
  const script = `${completionScript("bash", commands)}
weft() { case "$*" in "words jobs") echo 0mabc; echo 0mdef ;; "words tasks 0mabc") echo train ;; esac; }
COMP_WORDS=(${line}); [[ "$1" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script, "-", line], { encoding: "utf8" }).split("\n").filter(Boolean);
}

test("bash completes commands, options, jobs and their tasks", () => {
  expect(complete("weft su")).toEqual(["submit"]);
  expect(complete("weft logs --f")).toEqual(["--follow"]);
  expect(complete("weft logs 0ma")).toEqual(["0mabc"]);
  expect(complete("weft logs 0mabc ")).toEqual(["train"]);
});

test.each(["zsh", "fish"] as const)("the script of %s holds every command and option", (shell) => {
  const script = completionScript(shell, commands);
  for (const word of ["submit", "logs", "param", "follow"]) expect(script).toContain(word);
});
