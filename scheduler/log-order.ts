/** Bytes of one stream of one attempt. `missingBytes` before `offset` are gone for good. */
export interface LogPiece {
  readonly offset: number;
  readonly data: Uint8Array;
  /** Epoch milliseconds when the agent read it. */
  readonly atMs: number;
  readonly missingBytes: number;
}

/**
 * Bytes held back behind a gap. A publisher has at most some hundred messages under way, so more than this means that
 * what is missing was thrown away; without the limit a reader of a damaged log would keep all of it in memory.
 */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/** Puts the pieces of one stream into the order of their offsets, each byte once, whatever came twice or too early. */
export class LogOrder {
  /** Offset of the first byte not delivered yet. */
  next = 0;
  #held: LogPiece[] = [];
  #heldBytes = 0;
  #heldSinceMs: number | null = null;

  /** Since when a piece waits for bytes before it; null: none does. */
  get heldSinceMs(): number | null {
    return this.#heldSinceMs;
  }

  /** The pieces that can be delivered now that this one is here. */
  accept(piece: LogPiece, nowMs: number): LogPiece[] {
    if (piece.offset <= this.next) {
      const fresh = this.#advance(piece);
      return fresh ? [fresh, ...this.#release()] : [];
    }
    if (this.#held.some((held) => held.offset === piece.offset && held.data.length >= piece.data.length)) return [];
    this.#held.push(piece);
    this.#held.sort((a, b) => a.offset - b.offset);
    this.#heldBytes += piece.data.length;
    this.#heldSinceMs ??= nowMs;
    return this.#heldBytes > HELD_BYTES_MAX ? this.skipGap() : [];
  }

  /** Gives up on what is missing before the first piece that waits. */
  skipGap(): LogPiece[] {
    const first = this.#held[0];
    if (!first) return [];
    const missingBytes = first.offset - this.next;
    this.next = first.offset;
    return this.#release().map((piece, i) => (i === 0 ? { ...piece, missingBytes } : piece));
  }

  /** Gives up on everything up to `total`: a last, empty piece says how much is missing. */
  skipTo(total: number, nowMs: number): LogPiece[] {
    const pieces: LogPiece[] = [];
    while (this.#held.length > 0) pieces.push(...this.skipGap());
    if (this.next < total) {
      pieces.push({ offset: total, data: new Uint8Array(), atMs: nowMs, missingBytes: total - this.next });
      this.next = total;
    }
    return pieces;
  }

  #release(): LogPiece[] {
    const pieces: LogPiece[] = [];
    while (this.#held[0] && this.#held[0].offset <= this.next) {
      const piece = this.#held.shift()!;
      this.#heldBytes -= piece.data.length;
      const fresh = this.#advance(piece);
      if (fresh) pieces.push(fresh);
    }
    if (this.#held.length === 0) this.#heldSinceMs = null;
    return pieces;
  }

  /** The part of the piece that is new; undefined: none. */
  #advance(piece: LogPiece): LogPiece | undefined {
    const known = this.next - piece.offset;
    if (known >= piece.data.length) return undefined;
    this.next = piece.offset + piece.data.length;
    return known === 0 ? piece : { ...piece, offset: piece.offset + known, data: piece.data.subarray(known) };
  }
}
