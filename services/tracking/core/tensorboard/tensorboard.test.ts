import { describe, expect, test } from "vitest";
import { readEvent, scalarValue, summaryEvent, versionEvent, type Entry } from "./event.ts";
import { keyOf } from "./key.ts";
import { readRecords, writeRecord } from "./record.ts";

function entries(bytes: Uint8Array): Entry[] {
  return readRecords(bytes).records.flatMap((record) => readEvent(record));
}

describe("records", () => {
  const whole = Buffer.concat([
    writeRecord(versionEvent(1000)),
    writeRecord(summaryEvent(7, 2000, [scalarValue("loss", 0.5), scalarValue("acc", NaN)])),
  ]);

  test("come back as they were written", () => {
    expect(entries(whole).map(({ tag, step, wallMs, content }) => ({ tag, step, wallMs, content }))).toEqual([
      { tag: "loss", step: 7, wallMs: 2000, content: { kind: "scalar", value: 0.5 } },
      { tag: "acc", step: 7, wallMs: 2000, content: { kind: "scalar", value: NaN } },
    ]);
  });

  test("that are still being written are left for the next time, wherever they are cut", () => {
    for (let length = 0; length < whole.length; length++) {
      const first = readRecords(whole.subarray(0, length));
      const rest = readRecords(whole.subarray(first.bytesRead));
      expect([first.fault, first.records.length + rest.records.length, first.bytesRead + rest.bytesRead]).toEqual([
        undefined,
        2,
        whole.length,
      ]);
    }
  });

  test("that were damaged are refused with their place, and those before are kept", () => {
    const damaged = Uint8Array.from(whole);
    damaged[damaged.length - 6]! ^= 1;
    const { records, fault } = readRecords(damaged);
    expect(records.length).toBe(1);
    expect(fault).toMatch(/the record at byte \d+ does not match its checksum/);
  });
});

test("sub-folders of one run become part of the name", () => {
  expect(keyOf("", "loss")).toBe("loss");
  expect(keyOf("g_a", "g")).toBe("g/a");
  expect(keyOf("g/a", "g")).toBe("g/a");
  expect(keyOf("train_loss_x", "train/loss")).toBe("train/loss/x");
  expect(keyOf("1795532652.8597271", "hparam/accuracy")).toBe("hparam/accuracy");
  expect(keyOf("validation", "epoch_loss")).toBe("validation/epoch_loss");
});
