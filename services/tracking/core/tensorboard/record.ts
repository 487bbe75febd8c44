/**
 * The framing of TensorBoard's event files (TFRecord): `length u64le | crc(length) u32le | data | crc(data) u32le`, each
 * checksum a masked CRC-32C. Source: tensorflow/core/lib/io/record_writer.h and crc32c.h.
 */

/** Before the data: its length and that length's checksum. */
const HEAD_BYTES = 12;
const TAIL_BYTES = 4;
/** One image or histogram; a length beyond this is a file that is not one, and not a reason to gather gigabytes. */
export const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const MASK_DELTA = 0xa282ead8;
/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc;
});

export interface RecordsRead {
  /** The data of each whole record, views of what was given. */
  readonly records: readonly Uint8Array[];
  /** Bytes of the whole records; what comes after is a record that is still being written. */
  readonly bytesRead: number;
  /** What is wrong with the record at `bytesRead`; undefined: nothing, or not known yet. */
  readonly fault: string | undefined;
}

/** The whole records at the start of `bytes`; one that is cut off at the end is left for the next time. */
export function readRecords(bytes: Uint8Array): RecordsRead {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= HEAD_BYTES) {
    const length = Number(view.getBigUint64(at, true));
    if (view.getUint32(at + 8, true) !== checksum(bytes.subarray(at, at + 8)))
      return { records, bytesRead: at, fault: `the length of the record at byte ${at} does not match its checksum` };
    if (length > RECORD_BYTES_MAX)
      return {
        records,
        bytesRead: at,
        fault: `the record at byte ${at} has ${length} bytes; the most is ${RECORD_BYTES_MAX}`,
      };
    const end = at + HEAD_BYTES + length + TAIL_BYTES;
    if (end > bytes.length) break;
    const data = bytes.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length);
    if (view.getUint32(end - TAIL_BYTES, true) !== checksum(data))
      return { records, bytesRead: at, fault: `the record at byte ${at} does not match its checksum` };
    records.push(data);
    at = end;
  }
  return { records, bytesRead: at, fault: undefined };
}

/** One record, framed. */
export function writeRecord(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + data.length + TAIL_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, checksum(bytes.subarray(0, 8)), true);
  bytes.set(data, HEAD_BYTES);
  view.setUint32(HEAD_BYTES + data.length, checksum(data), true);
  return bytes;
}

function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
