import { expect, test } from "vitest";
import { readGates } from "./gate-rules.ts";

test("a file of gates, with what it leaves out filled in", () => {
  const text = `
gates:
  - name: good
    aliases: production
    require: candidate.metrics.auc > 0.9
`;
  expect(readGates(text)).toEqual([
    {
      name: "good",
      models: ["*"],
      aliases: ["production"],
      stages: [],
      data: "",
      require: "candidate.metrics.auc > 0.9",
      segments: false,
      message: "",
    },
  ]);
  expect(readGates("gates: []")).toEqual([]);
});

const gate = (more: string): string =>
  `gates: [{ name: g, aliases: [production], require: "candidate.metrics.auc > 1"${more} }]`;

test.each([
  ["gates: [", /not YAML/],
  ["gate: []", /gates/],
  [gate(", requires: x"), /requires/],
  [gate(", name: 'a b'").replace("name: g, ", ""), /cannot name a gate/],
  [gate("").replace("aliases: [production], ", ""), /stands before nothing/],
  [gate("").replace("candidate", "canditate"), /canditate/],
  [
    gate("")
      .replace("]", "]")
      .replace("gates: [{", "gates: [{ name: g, aliases: [a], require: candidate.metrics.x > 1 }, {"),
    /two gates/,
  ],
])("%s is refused with what is wrong", (text, message) => {
  expect(() => readGates(text)).toThrow(message);
});
