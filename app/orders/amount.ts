/** A decimal as Postgres keeps it (`12.5000`) in the way Shopify writes it (`12.50`): two decimals, more where they count. */
export function amountText(decimal: string): string {
  const [whole = "0", fraction = ""] = decimal.split(".");
  const significant = fraction.replace(/0+$/, "");
  return `${whole}.${significant.padEnd(2, "0")}`;
}
