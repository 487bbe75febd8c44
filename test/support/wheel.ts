import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** A pure Python wheel with one module, as bytes: nothing has to be fetched from anywhere to have a package. */
export function wheel(name: string, version: string, module: string): { file: string; bytes: Buffer; sha256: string } {
  const info = `${name}-${version}.dist-info`;
  const files: [string, string][] = [
    [`${name}.py`, module],
    [`${info}/METADATA`, `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`],
    [`${info}/WHEEL`, "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"],
  ];
  const record = [...files.map(([path]) => `${path},,`), `${info}/RECORD,,`].join("\n");
  const bytes = zip([...files, [`${info}/RECORD`, `${record}\n`]]);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { file: `${name}-${version}-py3-none-any.whl`, bytes, sha256 };
}

/** A zip file without compression (APPNOTE.TXT of PKWARE, 4.3). */
function zip(files: readonly [path: string, text: string][]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, text] of files) {
    const [name, data] = [Buffer.from(path), Buffer.from(text)];
    // Version 2.0, no flags, stored, 1 January 1980.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004"), common, name, data]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\u0001\u0002\u0014\u0000"), common, place, name]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
