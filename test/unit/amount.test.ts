import { expect, test } from "vitest";
import { amountText } from "../../app/orders/amount.ts";

test.for([
  ["12.5000", "12.50"],
  ["12", "12.00"],
  ["0.0000", "0.00"],
  ["-3.1000", "-3.10"],
  ["0.0625", "0.0625"],
  ["100000000000000.0000", "100000000000000.00"],
])("%s is written %s", ([decimal, amount]) => {
  expect(amountText(decimal ?? "")).toBe(amount);
});
