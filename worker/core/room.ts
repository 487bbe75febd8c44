import type { Resources } from "../../lib/core/pipeline/spec.ts";

/** A whole device, in thousandths. */
const WHOLE = 1000;

/** What an attempt takes of the machine from its preparation to the end of its processes. */
export interface Claim {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly gpuUuids: readonly string[];
  /** Thousandths of each of these devices. */
  readonly gpuShareMillis: number;
}

/** What a machine has. */
export type RoomCapacity = Omit<Claim, "gpuShareMillis">;

export interface Waiting {
  readonly priority: number;
  readonly claim: Claim;
}

export function claimOf(resources: Resources, gpuUuids: readonly string[]): Claim {
  const gpuShareMillis = Math.min(resources.gpuMillis, WHOLE);
  return { cpuMillis: resources.cpuMillis, memoryBytes: resources.memoryBytes, gpuUuids, gpuShareMillis };
}

/** Why the machine could not run it even if it ran nothing else; undefined: it could. */
export function beyond(claim: Claim, capacity: RoomCapacity): string | undefined {
  if (claim.cpuMillis > capacity.cpuMillis) {
    return `it was assigned ${claim.cpuMillis / 1000} CPUs and this node has ${capacity.cpuMillis / 1000}`;
  }
  if (claim.memoryBytes > capacity.memoryBytes) {
    return `it was assigned ${claim.memoryBytes} bytes of memory and this node has ${capacity.memoryBytes}`;
  }
  const foreign = claim.gpuUuids.find((uuid) => !capacity.gpuUuids.includes(uuid));
  return foreign === undefined ? undefined : `it was assigned the GPU ${foreign}, which this node does not have`;
}

/** Those that wait, by priority and then by arrival, and what is taken by those that were let in. */
export class Room<T extends Waiting> {
  readonly #waiting: T[] = [];
  readonly #taken = new Taken();

  get waiting(): readonly T[] {
    return this.#waiting;
  }

  add(item: T): void {
    let at = this.#waiting.length;
    while (at > 0 && this.#waiting[at - 1]!.priority < item.priority) at -= 1;
    this.#waiting.splice(at, 0, item);
  }

  /** False: it was not waiting. */
  withdraw(item: T): boolean {
    const at = this.#waiting.indexOf(item);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /**
   * Takes out, in order, all that fit. One that does not fit keeps its place: only what leaves room for it may pass, so
   * that a stream of small ones, which the scheduler may send ahead of room, does not keep a large one waiting for ever.
   */
  admit(capacity: RoomCapacity): T[] {
    const admitted: T[] = [];
    const held = new Taken();
    for (let at = 0; at < this.#waiting.length && this.#taken.cpuMillis + held.cpuMillis < capacity.cpuMillis;) {
      const item = this.#waiting[at]!;
      if (fits(item.claim, capacity, this.#taken, held)) {
        this.#waiting.splice(at, 1);
        this.take(item.claim);
        admitted.push(item);
      } else {
        // What there is may have become less since it came.
        if (beyond(item.claim, capacity) === undefined) held.add(item.claim);
        at += 1;
      }
    }
    return admitted;
  }

  /** Also without asking: for what runs already. */
  take(claim: Claim): void {
    this.#taken.add(claim);
  }

  leave(claim: Claim): void {
    this.#taken.remove(claim);
  }
}

class Taken {
  /** Thousandths taken, by uuid. */
  readonly gpus = new Map<string, number>();
  cpuMillis = 0;
  memoryBytes = 0;

  add(claim: Claim): void {
    this.cpuMillis += claim.cpuMillis;
    this.memoryBytes += claim.memoryBytes;
    for (const uuid of claim.gpuUuids) this.gpus.set(uuid, this.share(uuid) + claim.gpuShareMillis);
  }

  remove(claim: Claim): void {
    this.cpuMillis -= claim.cpuMillis;
    this.memoryBytes -= claim.memoryBytes;
    for (const uuid of claim.gpuUuids) this.gpus.set(uuid, this.share(uuid) - claim.gpuShareMillis);
  }

  share(uuid: string): number {
    return this.gpus.get(uuid) ?? 0;
  }
}

function fits(claim: Claim, capacity: RoomCapacity, taken: Taken, held: Taken): boolean {
  return (
    taken.cpuMillis + held.cpuMillis + claim.cpuMillis <= capacity.cpuMillis &&
    taken.memoryBytes + held.memoryBytes + claim.memoryBytes <= capacity.memoryBytes &&
    claim.gpuUuids.every((uuid) => taken.share(uuid) + held.share(uuid) + claim.gpuShareMillis <= WHOLE)
  );
}
