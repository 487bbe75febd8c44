import { expect, test } from "vitest";
import { subjectMatches } from "./subject.ts";

test.each([
  ["orders", "orders", true],
  ["orders", "orders.eu", false],
  ["orders.*", "orders.eu", true],
  ["orders.*", "orders", false],
  ["orders.*", "orders.eu.berlin", false],
  ["orders.>", "orders.eu.berlin", true],
  ["orders.>", "orders", false],
  ["*.eu", "orders.eu", true],
  [">", "a", true],
])("%s and %s: %s", (pattern, subject, matches) => expect(subjectMatches(pattern, subject)).toBe(matches));
