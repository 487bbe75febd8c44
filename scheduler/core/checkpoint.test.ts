import { expect, test } from "vitest";
import type { CheckpointRef } from "../../lib/core/dispatch.ts";
import type { AttemptKey, NodeId } from "../../lib/core/ids.ts";
import { asks, Bench, job, key, pipeline, task } from "../../test/support/build.ts";
import { digestBytes } from "../../lib/digest.ts";
import { Saved } from "../../test/support/saved.ts";

const NODES = ["n0", "n1"];
const member = (index: number, attempt = 1): AttemptKey => key(`a.t.${index}.${attempt}`);

/** What member `index` had in round `round`; undefined: it says no round. */
const left = (index: number, round: number | undefined, text = ""): CheckpointRef => ({
  digest: digestBytes(`${index} ${round} ${text}`),
  kind: "tree",
  bytes: 1,
  ...(round === undefined ? {} : { round }),
});

class Gang {
  bench = new Bench();
  readonly saved = new Saved();
  attempt = 1;
  /** By member. */
  on = new Map<number, string>();

  constructor() {
    for (const node of NODES) this.saved.take(this.bench.join(node));
    const spec = pipeline(task("t", { nodes: 2, resources: asks(4), checkpoint: true, preemptible: true }));
    this.#placed(this.bench.submit(job("a", spec)));
  }

  handIn(index: number, checkpoint: CheckpointRef): void {
    const report = {
      kind: "checkpoint",
      key: member(index, this.attempt),
      atMs: this.bench.nowMs,
      checkpoint,
    } as const;
    this.bench.step({ kind: "attemptCheckpointed", node: this.on.get(index) as NodeId, report });
    this.saved.take(this.bench.settle());
  }

  /** Both members are lost with what they hand in at the end; what the next attempt of each goes on from, by member. */
  again(...last: (CheckpointRef | undefined)[]): (string | undefined)[] {
    let batch = this.bench.settle();
    for (const index of [0, 1]) {
      const checkpoint = last[index];
      const parts = checkpoint === undefined ? {} : { checkpoint };
      const outcome = { kind: "lost", reason: "preempted" } as const;
      batch = this.bench.end(this.on.get(index)!, member(index, this.attempt), outcome, parts);
      if (batch.assign.length === 0) this.saved.take(batch);
    }
    for (let i = 0; i < 20 && batch.assign.length === 0; i += 1) {
      for (const node of NODES) this.bench.hear(node);
      batch = this.bench.pass(5_000);
    }
    this.attempt += 1;
    return this.#placed(batch);
  }

  #placed(batch: ReturnType<Bench["settle"]>): (string | undefined)[] {
    this.saved.take(batch);
    const from = new Map<number, string | undefined>();
    for (const { node, assignment } of batch.assign) {
      this.on.set(assignment.ref.index, node);
      from.set(assignment.ref.index, assignment.checkpoint?.from?.digest);
    }
    return [from.get(0), from.get(1)];
  }
}

test("a gang goes on from the last round that all its members have handed in", () => {
  const gang = new Gang();
  gang.handIn(0, left(0, 1));
  gang.handIn(1, left(1, 1));
  gang.handIn(0, left(0, 2));
  gang.handIn(0, left(0, 3));
  gang.handIn(1, left(1, 2));
  expect(gang.again()).toEqual([left(0, 2).digest, left(1, 2).digest]);
});

test("what members hand in at their end counts for its round, and is nothing without the others'", () => {
  const gang = new Gang();
  gang.handIn(0, left(0, 1));
  expect(gang.again(left(0, 2), left(1, 1))).toEqual([left(0, 1).digest, left(1, 1).digest]);
  expect(gang.again(left(0, 5), left(1, 4))).toEqual([left(0, 1).digest, left(1, 1).digest]);
  // A round of another attempt is another one: chance may have led elsewhere.
  gang.handIn(0, left(0, 4, "of the third attempt"));
  expect(gang.again(undefined, left(1, 5))).toEqual([left(0, 1).digest, left(1, 1).digest]);
});

test("rounds that are complete outlive the leader, those that are not do not", () => {
  const gang = new Gang();
  for (const index of [0, 1]) gang.handIn(index, left(index, 1));
  gang.handIn(0, left(0, 2));
  gang.bench = gang.saved.next(gang.bench);
  gang.handIn(1, left(1, 2));
  expect(gang.again()).toEqual([left(0, 1).digest, left(1, 1).digest]);
});

test("members that name no round keep one each", () => {
  const gang = new Gang();
  gang.handIn(0, left(0, undefined));
  expect(gang.again(undefined, left(1, undefined))).toEqual([left(0, undefined).digest, left(1, undefined).digest]);
});

test("a member that is far ahead of the others does not keep what it handed in for ever", () => {
  const gang = new Gang();
  for (let round = 1; round <= 20; round += 1) gang.handIn(0, left(0, round));
  for (let round = 1; round <= 13; round += 1) gang.handIn(1, left(1, round));
  expect(gang.again()).toEqual([left(0, 13).digest, left(1, 13).digest]);
});
