import { describe, expect, test } from "vitest";
import { checkReferences, parseTemplate, renderTemplate } from "./template.ts";

const scope = {
  params: ["rate", "learning-rate"],
  map: ["seed"],
  inputs: ["table"],
  outputs: ["model"],
  tasks: ["list"],
};
const render = (script: string, value: string): string =>
  renderTemplate(parseTemplate(script, true), true, () => value);

describe("a value in a script", () => {
  test.each([
    ["cat <<END\n{{ params.rate }}\nEND", "in a here-document"],
    ["cat <<END\n{{ map.seed }} {{ params.rate }}\nEND\n", "in a here-document"],
    ["echo `echo {{ params.rate }}`", "inside `…`"],
    ['echo "${x:-{{ params.rate }}}"', "inside ${…}"],
    ["echo $(( {{ params.rate }} + 1 ))", "inside $((…))"],
    ["echo ${{ params.rate }}", "after $"],
    ['echo "a$' + '{{ params.rate }}"', "after $"],
    ["echo \\{{ params.rate }}", "after a backslash"],
    ["echo $'a{{ params.rate }}'", "inside $'…'"],
    ["x=$(case a in a) echo;; esac); echo {{ params.rate }}", "after a `case` inside $(…)"],
    [`echo "\${x:-'}'}" {{ params.rate }}`, "after a single quote inside ${…}"],
  ])("is refused in %j, which is %s, and the variable is named instead", (script, where) => {
    const { problems } = parseTemplate(script, true);
    expect(problems.at(-1)).toContain(`stands ${where}`);
    expect(problems.at(-1)).toContain("use the variable WEFT_PARAM_RATE there");
  });

  test("is left alone in a comment, where a newline in it would become code", () => {
    expect(render("true # {{ params.rate }}", "x\nfalse")).toBe("true # {{ params.rate }}");
  });
});

describe("a template", () => {
  test("puts values into arguments and variables as they are", () => {
    expect(renderTemplate(parseTemplate("--rate={{ params.rate }}", false), false, () => "a 'b'")).toBe("--rate=a 'b'");
  });

  test("can hold the braces themselves", () => {
    expect(render(`docker inspect -f '{{ "{{" }}.State{{ "}}" }}' x`, "")).toBe("docker inspect -f '{{.State}}' x");
  });

  test.each([
    ["{{ param.rate }}", `there is no "param" (did you mean "params"?)`],
    ["{{ job.idd }}", `(did you mean "job.id"?)`],
    ["{{ secrets.x }}", "there is no secrets.x; there are params.NAME"],
    ["{{.State}}", `is not a value`],
    ["echo {{ params.rate", "opens {{ and does not close it"],
    ["a {{\n}}", "opens {{ and does not close it"],
  ])("%j is a problem: %s", (text, message) => {
    expect(parseTemplate(text, false).problems.join()).toContain(message);
  });

  test("names what does not exist, with what was probably meant", () => {
    const text = "{{ params.learning-rat }} {{ map.sed }} {{ inputs.x }} {{ outputs.model }} {{ params.constructor }}";
    expect(checkReferences(parseTemplate(text, false), scope)).toEqual([
      '{{ params.learning-rat }}: there is no parameter "learning-rat" (did you mean "learning-rate"?)',
      '{{ map.sed }}: there is no map dimension "sed" (did you mean "seed"?)',
      '{{ inputs.x }}: there is no input "x" (there are: table)',
      '{{ params.constructor }}: there is no parameter "constructor" (there are: rate, learning-rate)',
    ]);
  });
});
