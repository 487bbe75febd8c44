import { posix } from "node:path";
import { Readable } from "node:stream";
import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { WeftError } from "../../lib/core/error.ts";
import type { Appended } from "../../lib/event-files.ts";
import type { Log } from "../../lib/log.ts";
import type { Batch } from "./core/batch.ts";
import { MlflowError } from "./core/mlflow-error.ts";
import { type Entry, readEvent } from "./core/tensorboard/event.ts";
import { importEntries, type Imported } from "./core/tensorboard/import.ts";
import { readRecords, RECORD_BYTES_MAX } from "./core/tensorboard/record.ts";
import { type EventRun, findRun, readOffset, writeSummaries } from "./event-file-store.ts";
import { exportRun } from "./event-file-export.ts";
import type { Ingest } from "./ingest.ts";

/** A record and its frame, and as much again of what comes after it. */
const BODY_BYTES_MAX = RECORD_BYTES_MAX + 4 * 1024 * 1024;
const FILE_CHARS_MAX = 1_000;

interface EventFileParts {
  readonly pool: Pool;
  readonly ingest: Ingest;
  /** Makes the run of an attempt that has none yet. */
  readonly ensureRun: (id: string) => Promise<void>;
  readonly log: Log;
}

/**
 * Event files of TensorBoard, both ways: what attempts write becomes metrics, params and summaries of their run, and any run
 * is to be had as an event file.
 */
export function eventFileRoutes(parts: EventFileParts): FastifyPluginAsync {
  return async (app) => {
    app.addContentTypeParser(
      "application/octet-stream",
      { parseAs: "buffer", bodyLimit: BODY_BYTES_MAX },
      (_r, body, done) => done(null, body),
    );
    app.post<{ Params: { run: string }; Querystring: { file?: string; offset?: string } }>(
      "/v1/runs/:run/events",
      { bodyLimit: BODY_BYTES_MAX },
      async (request): Promise<Appended> => {
        const file = fileOf(request.query.file);
        const offset = Number(request.query.offset ?? "0");
        if (!Number.isSafeInteger(offset) || offset < 0)
          throw new WeftError("invalid", `offset ${request.query.offset} must be a whole number of bytes`);
        if (!Buffer.isBuffer(request.body))
          throw new WeftError("invalid", "the body must be the file's bytes, as application/octet-stream");
        await parts.ensureRun(request.params.run);
        const run = await findRun(parts.pool, request.params.run);
        return append(parts, run, file, offset, request.body);
      },
    );
    app.get<{ Params: { run: string } }>("/v1/runs/:run/events", async (request, reply) => {
      await parts.ensureRun(request.params.run);
      const run = await findRun(parts.pool, request.params.run);
      return reply
        .type("application/octet-stream")
        .header("x-run-name", encodeURIComponent(run.name))
        .send(Readable.from(exportRun(parts.pool, run)));
    });
  };
}

/** Points first, then where the file was read to: what is sent again after a failure between the two changes nothing. */
async function append(
  parts: EventFileParts,
  run: EventRun,
  file: string,
  offset: number,
  bytes: Buffer,
): Promise<Appended> {
  const held = await readOffset(parts.pool, run.number, file);
  if (held !== offset) return { offset: held };
  const { records, bytesRead, fault: broken } = readRecords(bytes);
  const { entries, fault } = entriesOf(records);
  const imported = importEntries(posix.dirname(file), entries);
  await ingestPoints(parts, run.id, imported);
  const end = offset + (fault === undefined ? bytesRead : 0);
  await writeSummaries(parts.pool, run.number, file, end, imported.summaries);
  const wrong = fault ?? broken;
  return wrong === undefined ? { offset: end } : { offset: end, fault: wrong };
}

function entriesOf(records: readonly Uint8Array[]): { readonly entries: Entry[]; readonly fault?: string } {
  const entries: Entry[] = [];
  for (const record of records) {
    try {
      entries.push(...readEvent(record));
    } catch (error) {
      return { entries, fault: `a record is no event of TensorBoard's: ${(error as Error).message}` };
    }
  }
  return { entries };
}

async function ingestPoints(
  { ingest, log }: EventFileParts,
  runId: string,
  { metrics, params }: Imported,
): Promise<void> {
  const nothing: Batch = { runId, metrics: [], params: [], tags: [], single: false };
  if (metrics.length > 0) await ingest.write({ ...nothing, metrics });
  for (const param of params) {
    try {
      await ingest.write({ ...nothing, params: [param], single: true });
    } catch (error) {
      // A second trial in one run: params are written once, and its metrics count all the same.
      if (!(error instanceof MlflowError)) throw error;
      log.debug({ run: runId, param: param.key }, error.message);
    }
  }
}

function fileOf(given: string | undefined): string {
  const file = posix.normalize(given ?? "");
  if (
    given === undefined ||
    given === "" ||
    given.length > FILE_CHARS_MAX ||
    file.startsWith("..") ||
    file.startsWith("/")
  )
    throw new WeftError(
      "invalid",
      `file "${given ?? ""}" must be a path below the run's folder, of at most ${FILE_CHARS_MAX} characters`,
    );
  return file;
}
