import { expect, test } from "vitest";
import { parseRetryAfter } from "../../../app/shopify/graphql-call.ts";

const now = new Date("2026-11-21T10:00:00Z");

test("seconds are seconds, not milliseconds", () => {
  expect(parseRetryAfter("2", now)).toBe(2000);
  expect(parseRetryAfter("2.0", now)).toBe(2000);
});

test("an HTTP date counts from now, and one that is past means at once", () => {
  expect(parseRetryAfter("Sat, 21 Nov 2026 10:00:30 GMT", now)).toBe(30_000);
  expect(parseRetryAfter("Sat, 21 Nov 2026 09:59:30 GMT", now)).toBe(0);
});

test("a missing or senseless header leaves the wait to the caller", () => {
  expect(parseRetryAfter(null, now)).toBeNull();
  expect(parseRetryAfter("soon", now)).toBeNull();
});
