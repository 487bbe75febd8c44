import fc from "fast-check";
import { expect, test } from "vitest";
import { LogOrder, type LogPiece } from "./log-order.ts";

const piece = (offset: number, text: string): LogPiece => ({
  offset,
  data: Buffer.from(text),
  atMs: 0,
  missingBytes: 0,
});
const texts = (pieces: LogPiece[]): string[] => pieces.map(({ data }) => Buffer.from(data).toString());

test("a piece that came twice is delivered once, and a longer one by its new part", () => {
  const order = new LogOrder();
  expect(texts(order.accept(piece(0, "abc"), 1))).toEqual(["abc"]);
  expect(texts(order.accept(piece(0, "abc"), 2))).toEqual([]);
  expect(order.accept(piece(1, "bcde"), 3)).toEqual([piece(3, "de")]);
  expect(order.next).toBe(5);
});

test("a piece that came too early waits for the bytes before it", () => {
  const order = new LogOrder();
  expect(order.accept(piece(3, "def"), 7)).toEqual([]);
  expect(order.heldSinceMs).toBe(7);
  expect(texts(order.accept(piece(0, "abc"), 9))).toEqual(["abc", "def"]);
  expect(order.heldSinceMs).toBeNull();
});

test("a gap that is given up on is marked where it is, and at the end", () => {
  const order = new LogOrder();
  order.accept(piece(3, "def"), 7);
  expect(order.skipGap()).toEqual([{ ...piece(3, "def"), missingBytes: 3 }]);
  expect(order.skipTo(10, 8)).toEqual([{ offset: 10, data: new Uint8Array(), atMs: 8, missingBytes: 4 }]);
});

test("a damaged log is not kept in memory: beyond the limit the gap is given up", () => {
  const order = new LogOrder();
  const data = new Uint8Array(128 * 1024);
  let delivered: LogPiece[] = [];
  for (let i = 1; delivered.length === 0; i += 1) {
    expect(i).toBeLessThan(40);
    delivered = order.accept({ offset: i * data.length, data, atMs: 0, missingBytes: 0 }, i);
  }
  expect(delivered[0]!.missingBytes).toBe(data.length);
});

test("any order of overlapping pieces gives each byte once and in order", () => {
  const cuts = fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 20 })), { maxLength: 30 });
  fc.assert(
    fc.property(cuts, fc.integer({ min: 1, max: 64 }), (pairs, length) => {
      const whole = Buffer.from(Array.from({ length }, (_, i) => i));
      const order = new LogOrder();
      const seen: number[] = [];
      const feed = (offset: number, end: number): void => {
        for (const out of order.accept({ offset, data: whole.subarray(offset, end), atMs: 0, missingBytes: 0 }, 0)) {
          expect(out.offset).toBe(seen.length);
          seen.push(...out.data);
        }
      };
      for (const [offset, size] of pairs) if (offset < length) feed(offset, Math.min(length, offset + size));
      feed(0, length);
      expect(Buffer.from(seen)).toEqual(whole);
    }),
  );
});
