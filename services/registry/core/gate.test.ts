import { describe, expect, test } from "vitest";
import { type Evaluation, faultOfRule, type Gate, gatesLost, gatesOf, judge, type Measured } from "./gate.ts";

const GATE: Gate = {
  name: "not-worse",
  models: ["fraud*"],
  aliases: ["production"],
  stages: ["Production"],
  data: "",
  require: "candidate.metrics.auc >= current.metrics.auc - 0.01",
  segments: false,
  message: "",
};

let ids = 0;
function evaluated(version: number, auc: number, more: Partial<Evaluation> = {}): Evaluation {
  ids += 1;
  return {
    id: `e${ids}`,
    version,
    dataset: "holdout",
    datasetDigest: "d1",
    metrics: { auc },
    segments: {},
    atMs: ids,
    ...more,
  };
}
const version = (number: number, ...evaluations: Evaluation[]): Measured => ({ version: number, evaluations });

describe("a gate that compares", () => {
  test("lets pass what is not worse, and says which evaluations it compared", () => {
    const [mine, theirs] = [evaluated(2, 0.93), evaluated(1, 0.93)];
    expect(judge(GATE, version(2, mine), version(1, theirs))).toMatchObject({
      passed: true,
      candidate: mine.id,
      current: theirs.id,
      dataset: "holdout",
      datasetDigest: "d1",
    });
  });

  test("stops what is worse, with both values", () => {
    const result = judge(GATE, version(2, evaluated(2, 0.9)), version(1, evaluated(1, 0.93)));
    expect(result).toMatchObject({ passed: false, reason: "the rule does not hold (auc 0.9, now 0.93)" });
  });

  test("stops what was never evaluated", () => {
    const result = judge(GATE, version(2), version(1, evaluated(1, 0.93)));
    expect(result.passed).toBe(false);
    expect(result.reason).toMatch(/version 2 has no evaluation/);
  });

  test("compares on the same data alone, and takes the newest that both have", () => {
    const other = { datasetDigest: "d2" };
    const current = version(1, evaluated(1, 0.5, other), evaluated(1, 0.93));
    expect(judge(GATE, version(2, evaluated(2, 0.9, { datasetDigest: "d3" })), current).reason).toMatch(
      /version 1, which is there now, has no evaluation on the same data, holdout \(d3\)/,
    );
    const shared = evaluated(2, 0.93);
    const result = judge(GATE, version(2, evaluated(2, 0.1, { datasetDigest: "d3" }), shared), current);
    expect(result).toMatchObject({ passed: true, candidate: shared.id });
  });

  test("asks for the data that it names", () => {
    const gate = { ...GATE, data: "golden" };
    expect(judge(gate, version(2, evaluated(2, 0.99)), null).reason).toMatch(/no evaluation on golden/);
  });

  test("has nothing to say where nothing is there yet, but still asks for an evaluation", () => {
    expect(judge(GATE, version(1, evaluated(1, 0.1)), null)).toMatchObject({ passed: true });
    expect(judge(GATE, version(1), null)).toMatchObject({ passed: false });
  });

  test("lets what is there already stay", () => {
    expect(judge(GATE, version(1, evaluated(1, 0.4)), version(1, evaluated(1, 0.4)))).toMatchObject({ passed: true });
  });
});

test("a rule that says what holds without a current version is asked, too", () => {
  const rule = "current == null ? candidate.metrics.auc > 0.8 : candidate.metrics.auc >= current.metrics.auc";
  const gate = { ...GATE, require: rule };
  expect(judge(gate, version(1, evaluated(1, 0.7)), null)).toMatchObject({ passed: false });
  expect(judge(gate, version(1, evaluated(1, 0.9)), null)).toMatchObject({ passed: true, reason: "" });
  expect(judge(gate, version(2, evaluated(2, 0.85)), version(1, evaluated(1, 0.9))).passed).toBe(false);
});

test("a rule on the candidate alone needs no current version, and a whole number compares with a fraction", () => {
  const gate = { ...GATE, require: "candidate.metrics.auc >= 0.9 && candidate.metrics.errors <= 0.5" };
  const measured = (auc: number): Measured => version(2, evaluated(2, auc, { metrics: { auc, errors: 0 } }));
  expect(judge(gate, measured(1), null).passed).toBe(true);
  expect(judge(gate, measured(0.8), version(1)).passed).toBe(false);
});

test("a metric that is missing stops, with its name", () => {
  const result = judge(GATE, version(2, evaluated(2, 1, { metrics: { f1: 1 } })), version(1, evaluated(1, 0.9)));
  expect(result.passed).toBe(false);
  expect(result.reason).toMatch(/cannot be answered.*auc/);
});

describe("a gate that holds for each segment", () => {
  const gate = { ...GATE, segments: true };
  const segments = (eu: number, us?: number) => ({
    segments: { eu: { auc: eu }, ...(us === undefined ? {} : { us: { auc: us } }) },
  });

  test("stops what is worse on one of them", () => {
    const result = judge(
      gate,
      version(2, evaluated(2, 0.95, segments(0.7, 0.99))),
      version(1, evaluated(1, 0.9, segments(0.9, 0.9))),
    );
    expect(result).toMatchObject({ passed: false });
    expect(result.reason).toMatch(/on the segment "eu".*auc 0.7, now 0.9/);
  });

  test("stops what was not measured on a segment that the current version was measured on", () => {
    const result = judge(
      gate,
      version(2, evaluated(2, 0.95, segments(0.99))),
      version(1, evaluated(1, 0.9, segments(0.9, 0.9))),
    );
    expect(result.reason).toMatch(/not evaluated on the segment "us"/);
  });

  test("passes over a segment that is new", () => {
    const result = judge(
      gate,
      version(2, evaluated(2, 0.95, segments(0.99, 0.1))),
      version(1, evaluated(1, 0.9, segments(0.9))),
    );
    expect(result.passed).toBe(true);
  });
});

test("gates stand before the models, aliases and stages that they name", () => {
  const names = (model: string, alias: string): string[] =>
    gatesOf([GATE, { ...GATE, name: "all", models: ["*"], aliases: ["prod*", "*-eu"] }], model, {
      kind: "alias",
      alias,
    }).map(({ name }) => name);
  expect(names("fraud-eu", "production")).toEqual(["not-worse", "all"]);
  expect(names("other", "production")).toEqual(["all"]);
  expect(names("other", "champion-eu")).toEqual(["all"]);
  expect(names("fraud", "champion")).toEqual([]);
  expect(gatesOf([GATE], "fraud", { kind: "stage", stage: "Production" })).toEqual([GATE]);
  expect(gatesOf([GATE], "fraud", { kind: "stage", stage: "Staging" })).toEqual([]);
});

test("a rule that cannot be used says why", () => {
  expect(faultOfRule("candidate.metrics.auc > 0.9")).toBeUndefined();
  expect(faultOfRule("candidate.metrics.auc >")).toMatch(/./);
  expect(faultOfRule("candidat.metrics.auc > 1")).toMatch(/candidat/);
  expect(faultOfRule("true")).toMatch(/candidate/);
  expect(faultOfRule("'x' + 'y'")).toMatch(/it gives a string/);
});

test("a model leaves a gate by a name that no pattern of the gate fits", () => {
  expect(gatesLost([GATE], "fraud", "scam")).toEqual([GATE]);
  expect(gatesLost([GATE], "fraud", "fraud-eu")).toEqual([]);
  expect(gatesLost([GATE], "churn", "scam")).toEqual([]);
  expect(gatesLost([{ ...GATE, models: ["*"] }], "fraud", "scam")).toEqual([]);
});
