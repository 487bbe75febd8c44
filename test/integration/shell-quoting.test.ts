import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTemplate, renderTemplate } from "../../lib/core/pipeline/template.ts";

const SHELLS = ["/bin/sh", "/bin/dash", "/bin/bash"].filter((path) => existsSync(path));
const render = (script: string, value: string): string =>
  renderTemplate(parseTemplate(script, true), true, () => value);
const run = (shell: string, script: string): string => execFileSync(shell, ["-eu", "-c", script], { encoding: "utf8" });

/** Each prints the value, and only it, when the value arrives unchanged at its place. */
const PLACES = [
  `printf %s {{ params.rate }}`,
  `printf %s "{{ params.rate }}"`,
  `printf %s '{{ params.rate }}'`,
  `x={{params.rate}}; printf %s "$x"`,
  `x="$(printf %s. {{ params.rate }})"; printf %s "\${x%.}"`,
  `x="$(printf '%s.' "{{ params.rate }}")"; printf %s "\${x%.}"`,
  `# it's "here": {{ params.rate }}\nprintf %s "{{ params.rate }}" # and $( here {{ params.rate }}`,
  `cat >/dev/null <<'END' # "\n it's \`$(\n{{ "{{" }}\nEND\nprintf %s {{ params.rate }}`,
  `: "a\\"b" 'c"d' e\\'f "$(echo "g'h")" $((1 + (2 * 3))) $# # it's\nprintf %s "{{ params.rate }}"`,
  `sh -c 'printf %s "$1"' - {{ params.rate }}`,
  `echo a\\\n  # don't\nprintf %s {{ params.rate }} | cat`,
  `case a in a) printf %s "{{ params.rate }}" ;; esac`,
];

/** Text that an argument can hold, with what shells trip over made likely. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "'",
        '"',
        "$(id)",
        "`id`",
        "\n",
        "\\",
        " ",
        "${HOME}",
        "!",
        "*",
        "~",
        "{{",
        "}}",
        ";",
        "#",
        "-n",
        "é",
        "🙂",
        "\t",
        "\r",
        "%s",
      ),
      fc.string({ unit: "grapheme" }),
    ),
  )
  .map((parts) =>
    parts
      .join("")
      .replaceAll("\0", "")
      .replaceAll(/\p{Surrogate}/gu, ""),
  );

describe.each(SHELLS)("a value in a script of %s", (shell) => {
  test.each(PLACES)("arrives unchanged in %j", (script) => {
    expect(parseTemplate(script, true).problems).toEqual([]);
    fc.assert(
      fc.property(hostile, (value) => {
        const prefix = script.startsWith("echo a") ? "a\n" : "";
        expect(run(shell, render(script, value))).toBe(prefix + value);
      }),
      { numRuns: 25, examples: [[`it's "$(echo no)" \`echo no\` \\ $HOME\nnext * ~ 'x'`], [""], ["'"], ["\n\n"]] },
    );
  });
});
