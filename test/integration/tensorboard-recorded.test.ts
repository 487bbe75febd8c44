import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readEvent, type Entry } from "../../services/tracking/core/tensorboard/event.ts";
import { readRecords } from "../../services/tracking/core/tensorboard/record.ts";

/** Written by tensorboardX 2.6.5. */
const RECORDED = new URL("../fixtures/tensorboard/", import.meta.url);

function recorded(path: string): Entry[] {
  return readRecords(readFileSync(new URL(path, RECORDED))).records.flatMap((record) => readEvent(record));
}

describe("what a writer of the field has written", () => {
  const all = recorded("events.out.tfevents.1795532652.node");

  test("has its scalars with step and time", () => {
    const losses = all.filter(({ tag }) => tag === "loss");
    expect(losses.map(({ step, content }) => [step, content])).toEqual([
      [0, { kind: "scalar", value: 1 }],
      [1, { kind: "scalar", value: 0.5 }],
      [2, { kind: "scalar", value: Math.fround(1 / 3) }],
    ]);
    expect(losses.every(({ wallMs }) => Math.abs(wallMs - 1_795_532_652_000) < 600_000)).toBe(true);
  });

  test("has its histograms, images and texts", () => {
    const kinds = new Map(all.map(({ tag, content }) => [tag, content.kind]));
    expect([kinds.get("weights"), kinds.get("sample"), kinds.get("note/text_summary")]).toEqual([
      "histogram",
      "image",
      "text",
    ]);
  });

  test("has its hyperparameters, numbers and booleans as text", () => {
    const found = recorded("1795532652.8597271/events.out.tfevents.1795532652.node");
    const params = found.flatMap(({ content }) => (content.kind === "hparams" ? [...content.params] : []));
    expect(Object.fromEntries(params)).toEqual({ lr: "0.1", opt: "adam", deep: "true" });
  });
});
