import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";

const UNPACK = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) } as const;

/**
 * The body of a request as its `content-encoding` says. `bytesMax`: unpacked, as a few kilobytes may hold gigabytes of zeros. Rejects with an Error that
 * says what was wrong.
 */
export async function unpack(bytes: Buffer, contentEncoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const encoding = contentEncoding?.trim().toLowerCase() || "identity";
  if (encoding === "identity") return bytes;
  if (!Object.hasOwn(UNPACK, encoding))
    throw new Error(`Unsupported Content-Encoding: ${encoding}. Supported: ${Object.keys(UNPACK).join(", ")}`);
  try {
    return await UNPACK[encoding as keyof typeof UNPACK](bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    throw new Error(`the body cannot be unpacked as ${encoding}: ${(error as Error).message}`, { cause: error });
  }
}
