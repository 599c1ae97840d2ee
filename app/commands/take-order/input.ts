import { z } from "zod";
import { largestQuantity } from "../../inventory/adjustment-form.ts";

/** Shopify takes 499; a person who types more than these has another tool. */
export const mostLines = 100;
export const longestNote = 5_000;

const text = (longest = 255) =>
  z
    .string()
    .trim()
    .max(longest, { error: `Keep this under ${longest + 1} characters.` });
const optional = (longest = 255) =>
  text(longest)
    .nullable()
    .transform((value) => value || null);

const shopifyId = (error: string) =>
  z.number({ error }).int({ error }).positive({ error }).max(Number.MAX_SAFE_INTEGER, { error });

/** A decimal amount, as Shopify writes them. */
const decimal = (error: string) => z.string().regex(/^\d{1,12}(\.\d{1,4})?$/, { error });

const line = z.object({
  variantId: shopifyId("Choose a product."),
  quantity: z
    .number({ error: "Enter a number." })
    .int({ error: "Enter a whole number." })
    .min(1, { error: "Take at least one." })
    .max(largestQuantity, { error: "That is more than there is." }),
  /*
   * What the merchant and the customer saw when the order was taken. It is what is packed and asked for, whatever the
   * catalogue says by the time Shopify hears of it.
   */
  unitPrice: decimal("Load the page again: the price is missing."),
  title: text().min(1, { error: "Choose a product." }),
  variantTitle: optional(),
  sku: optional().transform((sku) => sku ?? ""),
});

const address = z.object({
  name: optional(),
  company: optional(),
  address1: text().min(1, { error: "Enter the street." }),
  address2: optional(),
  zip: optional(),
  city: text().min(1, { error: "Enter the city." }),
  /** As people write it, for the packing slip; Shopify is given the code. */
  province: optional(),
  provinceCode: optional(10).default(null),
  country: optional(),
  countryCode: z.string().regex(/^[A-Z]{2}$/, { error: "Choose a country." }),
  phone: optional(),
});

/** An order as it is kept: nobody can be written to any more where the customer asked to be forgotten. */
export const takenInput = z.object({
  /**
   * The order's own id, made with the form: its number follows from it, and one form makes one order even where it
   * was sent again with other entries.
   */
  id: z.uuid({ error: "Load the page again." }),
  lines: z
    .array(line)
    .min(1, { error: "Add at least one product." })
    .max(mostLines, { error: `Take at most ${mostLines} products in one order.` })
    .refine((lines) => new Set(lines.map(({ variantId }) => variantId)).size === lines.length, {
      error: "A product is in it twice.",
    }),
  /** ISO 4217: the shop's own, in which everything here is counted. */
  currency: z.string().regex(/^[A-Z]{3}$/, { error: "Load the page again." }),
  customer: z
    .object({
      /** Shopify's id of a customer who is known; null for one who was typed in. */
      id: shopifyId("Choose a customer.").nullable(),
      name: optional(),
      email: optional().refine((email) => email === null || z.email().safeParse(email).success, {
        error: "Enter an e-mail address like name@example.com.",
      }),
    })
    .nullable(),
  shippingAddress: address.nullable(),
  discount: z
    .object({
      kind: z.enum(["percent", "amount"]),
      value: decimal("Enter the discount as a number."),
      reason: optional(),
    })
    .refine(({ kind, value }) => kind === "amount" || Number(value) <= 100, {
      path: ["value"],
      error: "A discount is at most 100%.",
    })
    .refine(({ value }) => Number(value) > 0, {
      path: ["value"],
      error: "Enter a discount of more than zero.",
    })
    .nullable(),
  shipping: z
    .object({
      title: text().min(1, { error: "Name the shipping, for example Courier." }),
      price: decimal("Enter the price as a number."),
    })
    .nullable(),
  note: optional(longestNote),
  payment: z.enum(["paid", "invoice"], { error: "Choose how it is paid." }),
});

/** Takes an order: a draft at Shopify that becomes an order, or whose invoice goes to the customer. */
export const takeInput = takenInput.refine(
  ({ payment, customer }) => payment === "paid" || Boolean(customer?.email),
  {
    path: ["customer", "email"],
    error: "Enter an e-mail address: the invoice is sent to it.",
  },
);
export type TakeInput = z.infer<typeof takeInput>;
