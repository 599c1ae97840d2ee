import { wholeNumber } from "../whole-number.ts";
import type { FulfillmentOrder } from "./types.ts";

/** What a person has entered to fulfil a part of an order, as text. */
export interface FulfilmentEntries {
  /** By the fulfillment order's line; a line without an entry is sent whole. */
  readonly quantities: Readonly<Record<number, string>>;
  readonly company: string;
  readonly number: string;
  readonly url: string;
  readonly notifyCustomer: boolean;
}

/** What is wrong with an entry; the interface has the words. */
export type FulfilmentProblem =
  | { readonly field: `quantity.${number}`; readonly problem: "quantity"; readonly max: number }
  | { readonly field: "quantities"; readonly problem: "none" }
  | { readonly field: "number"; readonly problem: "numberMissing" }
  | { readonly field: "url"; readonly problem: "url" }
  | { readonly field: "company" | "number" | "url"; readonly problem: "tooLong" };

/** The input of an `order.fulfil` command. */
export interface FulfilInput {
  readonly orderId: number;
  readonly fulfillmentOrders: readonly {
    readonly id: number;
    readonly lines: readonly { readonly id: number; readonly quantity: number }[];
  }[];
  readonly tracking: {
    readonly company: string | null;
    readonly number: string;
    readonly url: string | null;
  } | null;
  readonly notifyCustomer: boolean;
}

const longestText = 255;
const longestUrl = 2000;

/** The quantity that an entry asks for; a line that nobody touched is sent whole. */
export function quantityOf(entries: FulfilmentEntries, line: { id: number; remaining: number }) {
  const entered = entries.quantities[line.id];
  return entered === undefined ? line.remaining : wholeNumber(entered);
}

/** Whether a link may lead there: other protocols run something instead of opening a page. */
export function isWebAddress(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

/** Makes a command's input of what was entered, or says what is wrong with each entry. */
export function readFulfilment(
  orderId: number,
  part: FulfillmentOrder,
  entries: FulfilmentEntries,
):
  | { readonly input: FulfilInput; readonly problems: null }
  | { readonly input: null; readonly problems: readonly FulfilmentProblem[] } {
  const problems: FulfilmentProblem[] = [];
  const lines: { id: number; quantity: number }[] = [];
  for (const { id, remaining } of part.lines.filter((line) => line.remaining > 0)) {
    const quantity = quantityOf(entries, { id, remaining });
    if (quantity === null || quantity > remaining) {
      problems.push({ field: `quantity.${id}`, problem: "quantity", max: remaining });
    } else if (quantity > 0) {
      lines.push({ id, quantity });
    }
  }
  if (problems.length === 0 && lines.length === 0) {
    problems.push({ field: "quantities", problem: "none" });
  }

  const company = entries.company.trim();
  const number = entries.number.trim();
  const url = entries.url.trim();
  if (company.length > longestText) problems.push({ field: "company", problem: "tooLong" });
  if (number.length > longestText) problems.push({ field: "number", problem: "tooLong" });
  if (url.length > longestUrl) problems.push({ field: "url", problem: "tooLong" });
  else if (url && !isWebAddress(url)) problems.push({ field: "url", problem: "url" });
  if (!number && (company || url)) problems.push({ field: "number", problem: "numberMissing" });

  if (problems.length > 0) return { input: null, problems };
  return {
    problems: null,
    input: {
      orderId,
      fulfillmentOrders: [{ id: part.id, lines }],
      tracking: number ? { company: company || null, number, url: url || null } : null,
      notifyCustomer: entries.notifyCustomer,
    },
  };
}
