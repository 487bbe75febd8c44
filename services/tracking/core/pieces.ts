import { chunkOf, type ChunkRow } from "./ingest-plan.ts";
import { encodePoints, type Points, sortPoints, spread } from "./points.ts";

/** Of a chunk that is put together: 90 kB, some milliseconds to read, and 122 of them to a million points. */
export const PIECE_POINTS = 8_192;
/** A view of a million points is drawn from 8,000. */
const SAMPLE_POINTS = 64;
/** Below it a chunk is read nearly as fast as its sample. */
const SAMPLED_POINTS_MIN = 1_024;

export interface Piece extends ChunkRow {
  readonly sample: Buffer | null;
}

/** The points sorted, each once, in chunks of as many as one should have; the last has the rest. */
export function piecesOf(run: number, key: string, points: Points): Piece[] {
  const sorted = sortPoints(points);
  const pieces: Piece[] = [];
  for (let from = 0; from < sorted.values.length; from += PIECE_POINTS) {
    const part: Points = {
      timesMs: sorted.timesMs.slice(from, from + PIECE_POINTS),
      steps: sorted.steps.slice(from, from + PIECE_POINTS),
      values: sorted.values.slice(from, from + PIECE_POINTS),
    };
    const sample = part.values.length < SAMPLED_POINTS_MIN ? null : encodePoints(spread(part, SAMPLE_POINTS));
    pieces.push({ ...chunkOf(run, key, part), sample });
  }
  return pieces;
}
