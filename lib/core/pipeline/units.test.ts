import { expect, test } from "vitest";
import { formatDuration, formatSize, parseCpus, parseDuration, parseSize } from "./units.ts";

test.each([
  ["250ms", 250],
  ["10s", 10_000],
  ["1.5m", 90_000],
  ["2min", 120_000],
  ["2h", 7_200_000],
  ["7d", 604_800_000],
  [" 3 s ", 3_000],
  ["1e3ms", 1_000],
  [0, 0],
])("%j is a duration of %i ms", (text, value) => {
  expect(parseDuration(text)).toEqual({ ok: true, value });
});

test.each([
  ["512MB", 512e6],
  ["1GiB", 1024 ** 3],
  ["8Gi", 8 * 1024 ** 3],
  ["1.5KiB", 1536],
  ["10kB", 10_000],
  [1048576, 1048576],
  ["100 B", 100],
])("%j is a size of %i bytes", (text, value) => {
  expect(parseSize(text)).toEqual({ ok: true, value });
});

test.each([
  ["2", 2],
  [0.5, 0.5],
  ["500m", 0.5],
])("%j is %d CPUs", (text, value) => {
  expect(parseCpus(text)).toEqual({ ok: true, value });
});

test.each([
  [parseDuration(10), "did you mean 10s?"],
  [parseDuration("10 sec"), '"sec" is not a unit of time; write a duration with its unit'],
  [parseDuration("10S"), "did you mean 10s?"],
  [parseDuration("soon"), '"soon" is not a duration'],
  [parseDuration("1h30m"), '"1h30m" is not a duration'],
  [parseSize("8gb"), "did you mean 8GB?"],
  [parseSize("8G"), "did you mean 8GiB?"],
  [parseSize("8 apples"), '"apples" is not a unit of size; write a size like 512MB, 8GiB'],
  [parseSize("constructor"), '"constructor" is not a size'],
  [parseSize("8toString"), '"toString" is not a unit of size'],
  [parseCpus("2 cores"), '"cores" is not a unit of CPUs; write a number of CPUs like 2, 0.5 or 500m'],
])("%j tells what would be right", (parsed, message) => {
  expect(parsed.ok ? "" : parsed.message).toContain(message);
});

test.each([
  [250, "250ms"],
  [12_345, "12.3s"],
  [59_990, "1m"],
  [90_000, "1m30s"],
  [7_200_000, "2h"],
  [90_061_000, "1d1h"],
])("%i ms reads %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test.each([
  [0, "0B"],
  [1536, "1.5KiB"],
  [1024 ** 3, "1GiB"],
])("%i bytes read %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
