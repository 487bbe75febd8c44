import { expect, test } from "vitest";
import { dateRange } from "./range.ts";

test("a range of days has both ends, across months and leap days", () => {
  expect(dateRange("2024-02-27", "2024-03-01", "1d")).toEqual(["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]);
  expect(dateRange("2024-01-01", "2024-01-20", "7d")).toEqual(["2024-01-01", "2024-01-08", "2024-01-15"]);
});

test("steps below a day name the time", () => {
  expect(dateRange("2024-01-01", "2024-01-01T12:00", "6h")).toEqual([
    "2024-01-01T00:00Z",
    "2024-01-01T06:00Z",
    "2024-01-01T12:00Z",
  ]);
});

test("months are as long as they are", () => {
  expect(dateRange("2023-12-01", "2024-03-15", "month")).toEqual([
    "2023-12-01",
    "2024-01-01",
    "2024-02-01",
    "2024-03-01",
  ]);
});

test.each([
  ["2024-02-30", "2024-03-01", "1d", "a date like 2024-01-31"],
  ["yesterday", "2024-03-01", "1d", "a date like 2024-01-31"],
  ["2024-03-02", "2024-03-01", "1d", "is after"],
  ["2024-03-01", "2024-03-02", "1s", "whole minutes"],
  ["2024-03-01", "2024-03-02", "soon", "--step"],
  ["2024-01-31", "2024-03-02", "month", "the 31th"],
  ["1970-01-01", "2024-03-02", "1h", "at most 10000"],
])("from %s to %s by %s is refused", (from, to, step, message) => {
  expect(() => dateRange(from, to, step)).toThrow(message);
});
