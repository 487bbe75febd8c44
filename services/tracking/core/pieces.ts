import type { Int64 } from "./fields.ts";
import { encodePoints, type Points, rangeOf, sortPoints, spread } from "./points.ts";

/** Of a chunk that is put together: 90 kB, some milliseconds to read, and 122 of them to a million points. */
export const PIECE_POINTS = 8_192;
/** A view of a million points is drawn from 8,000. */
const SAMPLE_POINTS = 64;
/** Below it a chunk is read nearly as fast as its sample. */
const SAMPLED_POINTS_MIN = 1_024;

interface ChunkRow {
  readonly run: number;
  readonly key: string;
  readonly count: number;
  readonly firstMs: Int64;
  readonly lastMs: Int64;
  readonly firstStep: Int64;
  readonly lastStep: Int64;
  readonly points: Buffer;
}

export interface Piece extends ChunkRow {
  readonly sample: Buffer | null;
}

/** The points sorted, each once, in chunks of as many as one should have; the last has the rest. */
export function piecesOf(run: number, key: string, points: Points): Piece[] {
  if (points.values.length < SAMPLED_POINTS_MIN) return [{ ...chunkOf(run, key, sortPoints(points)), sample: null }];
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

function chunkOf(run: number, key: string, points: Points): ChunkRow {
  const times = rangeOf(points.timesMs);
  const steps = rangeOf(points.steps);
  return {
    run,
    key,
    count: points.values.length,
    firstMs: times.first,
    lastMs: times.last,
    firstStep: steps.first,
    lastStep: steps.last,
    points: encodePoints(points),
  };
}
