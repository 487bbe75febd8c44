import fc from "fast-check";
import { expect, test } from "vitest";
import { beyond, Room, type Claim, type RoomCapacity, type Waiting } from "./room.ts";

const capacity: RoomCapacity = { cpuMillis: 4000, memoryBytes: 1000, gpuUuids: ["a", "b"] };
const item = (cpuMillis: number, parts: Partial<Claim> = {}, priority = 0): Waiting => ({
  priority,
  claim: { cpuMillis, memoryBytes: 0, gpuUuids: [], gpuShareMillis: 1000, ...parts },
});

function roomWith(...items: Waiting[]): Room<Waiting> {
  const room = new Room<Waiting>();
  for (const each of items) room.add(each);
  return room;
}

test("the most urgent come first, and of those the first that came", () => {
  const [a, b, c, d] = [item(4000), item(4000, {}, 1), item(4000, {}, 1), item(4000, {}, -1)];
  const room = roomWith(a, b, c, d);
  const order: Waiting[] = [];
  for (let i = 0; i < 4; i += 1) {
    const [next] = room.admit(capacity);
    order.push(next!);
    room.leave(next!.claim);
  }
  expect(order).toEqual([b, c, a, d]);
});

test("one that does not fit keeps its place: only what leaves room for it passes", () => {
  const [running, large, small, card] = [item(2000), item(3000), item(1000), item(1000, { gpuUuids: ["a"] })];
  const room = roomWith(running);
  room.admit(capacity);
  room.add(large);
  room.add(small);
  expect(room.admit(capacity)).toEqual([]);
  room.leave(running.claim);
  expect(room.admit(capacity)).toEqual([large, small]);
  room.leave(large.claim);
  room.take(card.claim);
  const again = item(1000, { gpuUuids: ["a"] });
  room.add(again);
  room.add(small);
  expect(room.admit(capacity)).toEqual([small]);
  expect(room.waiting).toEqual([again]);
});

test("a stream of small ones does not keep a large one waiting for ever", () => {
  const large = item(4000);
  const room = roomWith(item(1000), item(1000), large, ...Array.from({ length: 20 }, () => item(1000)));
  const [first, second] = room.admit(capacity);
  room.leave(first!.claim);
  expect(room.admit(capacity)).toEqual([]);
  room.leave(second!.claim);
  expect(room.admit(capacity)).toEqual([large]);
});

test("a GPU is given to one at a time", () => {
  const [first, second, other] = [["a"], ["a"], ["b"]].map((gpuUuids) => item(100, { gpuUuids }));
  const room = roomWith(first!, second!, other!);
  expect(room.admit(capacity)).toEqual([first, other]);
  room.leave(first!.claim);
  expect(room.admit(capacity)).toEqual([second]);
});

test("never more is let in than there is, and all get in, in whatever order they come and go", () => {
  const claims = fc.record({
    cpuMillis: fc.integer({ min: 1, max: 4000 }),
    memoryBytes: fc.integer({ min: 0, max: 1000 }),
    gpuUuids: fc.subarray(["a", "b"]),
    gpuShareMillis: fc.constantFrom(250, 500, 1000),
  });
  const waiting = fc.record({ priority: fc.integer({ min: -5, max: 5 }), claim: claims });
  fc.assert(
    fc.property(fc.array(waiting, { maxLength: 30 }), fc.infiniteStream(fc.nat()), (items, choices) => {
      const room = roomWith(...items);
      const inside: Waiting[] = [];
      let admitted = 0;
      while (admitted < items.length) {
        const next = room.admit(capacity);
        admitted += next.length;
        inside.push(...next);
        expect(inside.reduce((sum, { claim }) => sum + claim.cpuMillis, 0)).toBeLessThanOrEqual(capacity.cpuMillis);
        expect(inside.reduce((sum, { claim }) => sum + claim.memoryBytes, 0)).toBeLessThanOrEqual(1000);
        for (const gpu of capacity.gpuUuids) {
          const holders = inside.filter(({ claim }) => claim.gpuUuids.includes(gpu));
          expect(holders.reduce((sum, { claim }) => sum + claim.gpuShareMillis, 0)).toBeLessThanOrEqual(1000);
        }
        expect(inside.length).toBeGreaterThan(0);
        const [leaving] = inside.splice((choices.next().value as number) % inside.length, 1);
        room.leave(leaving!.claim);
      }
    }),
  );
});

test("what could never fit is told apart, with the figures", () => {
  expect(beyond({ cpuMillis: 4000, memoryBytes: 1000, gpuUuids: ["b"], gpuShareMillis: 0 }, capacity)).toBeUndefined();
  expect(beyond({ cpuMillis: 4500, memoryBytes: 0, gpuUuids: [], gpuShareMillis: 0 }, capacity)).toContain(
    "4.5 CPUs and this node has 4",
  );
  expect(beyond({ cpuMillis: 1, memoryBytes: 1001, gpuUuids: [], gpuShareMillis: 0 }, capacity)).toContain(
    "1001 bytes of memory",
  );
  expect(beyond({ cpuMillis: 1, memoryBytes: 0, gpuUuids: ["c"], gpuShareMillis: 0 }, capacity)).toContain("the GPU c");
});
