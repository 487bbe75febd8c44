import picocolors from "picocolors";
import { expect, test } from "vitest";
import type { LogChunk } from "../sdk/index.ts";
import { LogPrinter } from "./log-printer.ts";

function printerOf(prefixes: ReadonlySet<string> | null): {
  printer: LogPrinter;
  read: () => Buffer;
  warnings: string[];
} {
  const written: Buffer[] = [];
  const warnings: string[] = [];
  const terminal = {
    isTerminal: false,
    colors: picocolors.createColors(false),
    columns: 80,
    rows: 24,
    write: () => {},
  };
  const printer = new LogPrinter({
    out: (bytes) => {
      written.push(bytes);
      return true;
    },
    terminal,
    prefixes,
    warn: (line) => warnings.push(line),
  });
  return { printer, read: () => Buffer.concat(written), warnings };
}

const chunk = (data: string | Buffer, more: Partial<LogChunk> = {}): LogChunk => ({
  task: "t",
  index: 0,
  attempt: 1,
  stream: "stdout",
  offset: 0,
  data: Buffer.from(data),
  at: null,
  missingBytes: 0,
  ...more,
});

test("of one instance every byte comes out as it went in, whatever bytes they are", async () => {
  const { printer, read } = printerOf(null);
  const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) % 256));
  for (let at = 0; at < bytes.length; at += 100) await printer.take(chunk(bytes.subarray(at, at + 100)));
  printer.end();
  expect(read()).toEqual(bytes);
});

test("two streams do not meet in one line", async () => {
  const { printer, read } = printerOf(null);
  await printer.take(chunk("out 1\nou"));
  await printer.take(chunk("err 1\ner", { stream: "stderr" }));
  await printer.take(chunk("t 2\n"));
  await printer.take(chunk("r 2", { stream: "stderr" }));
  printer.end();
  expect(read().toString()).toBe("out 1\nerr 1\nout 2\nerr 2");
});

test("of several instances each line begins with its task", async () => {
  const { printer, read } = printerOf(new Set(["train"]));
  await printer.take(chunk("a\n\nb", { task: "train", index: 3 }));
  await printer.take(chunk("c\n", { task: "best" }));
  printer.end();
  expect(read().toString()).toBe("train[3] | a\ntrain[3] | \nbest | c\ntrain[3] | b\n");
});

test("a line longer than 64 KiB is not kept back", async () => {
  const { printer, read } = printerOf(null);
  await printer.take(chunk("x".repeat(70_000)));
  expect(read()).toHaveLength(70_000);
});

test("bytes that are gone are named", async () => {
  const { printer, warnings } = printerOf(new Set(["t"]));
  await printer.take(chunk("x\n", { offset: 500, missingBytes: 500, index: 2 }));
  expect(warnings).toEqual(["weft: 500 bytes of stdout of t[2] before this are gone"]);
});
