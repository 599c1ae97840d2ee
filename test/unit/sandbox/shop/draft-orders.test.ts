import { describe, expect, it } from "vitest";
import { expectStockToMatchClaims } from "./claims.ts";
import { bench } from "./harness.ts";
import type { Bench } from "./harness.ts";

interface UserError {
  field: string[] | null;
  message: string;
}

interface Draft {
  id: string;
  name: string;
  status: string;
  email: string | null;
  invoiceUrl: string;
  order: {
    id: string;
    name: string;
    displayFinancialStatus: string;
    sourceName: string;
    totalPriceSet: { shopMoney: { amount: string } };
  } | null;
  totalPriceSet: { shopMoney: { amount: string } };
  subtotalPriceSet: { shopMoney: { amount: string } };
  totalDiscountsSet: { shopMoney: { amount: string } };
  lineItems: { nodes: { title: string; quantity: number; custom: boolean }[] };
}

const fields = `draftOrder { id name status email invoiceUrl order { id name displayFinancialStatus sourceName totalPriceSet { shopMoney { amount } } }
  totalPriceSet { shopMoney { amount } } subtotalPriceSet { shopMoney { amount } } totalDiscountsSet { shopMoney { amount } }
  lineItems(first: 50) { nodes { title quantity custom } } } userErrors { field message }`;

interface Payload {
  draftOrder: Draft | null;
  userErrors: UserError[];
}

const run = async (shop: Bench, call: string, types: string, variables: Record<string, unknown>) =>
  (
    await shop.run<{ result: Payload }>(
      `mutation(${types}) { result: ${call} { ${fields} } }`,
      variables,
    )
  ).result;

const create = (shop: Bench, input: object) =>
  run(shop, "draftOrderCreate(input: $input)", "$input: DraftOrderInput!", { input });
const complete = (shop: Bench, id: string, paymentPending = false) =>
  run(
    shop,
    "draftOrderComplete(id: $id, paymentPending: $pending)",
    "$id: ID!, $pending: Boolean",
    { id, pending: paymentPending },
  );
const invoice = (shop: Bench, id: string, email: object | null = null) =>
  run(shop, "draftOrderInvoiceSend(id: $id, email: $email)", "$id: ID!, $email: EmailInput", {
    id,
    email,
  });

function inStock(shop: Bench) {
  const variant = [...shop.shop.variants.values()].find((candidate) =>
    candidate.item.levels.some((level) => level.quantities.available > 9),
  );
  if (!variant) throw new Error("nothing in stock");
  return variant;
}

const amount = (minor: number) =>
  Number.isInteger(minor / 100) ? `${minor / 100}.0` : String(minor / 100);

describe("draft orders", () => {
  it("are made, completed once, and become an order that claims its stock", async () => {
    const shop = bench();
    const variant = inStock(shop);
    const customer = shop.shop.customerAt(4);
    const { draftOrder, userErrors } = await create(shop, {
      lineItems: [
        { variantId: `gid://shopify/ProductVariant/${variant.id}`, quantity: 2 },
        {
          title: "Gift wrap",
          quantity: 1,
          originalUnitPriceWithCurrency: { amount: "3.00", currencyCode: "EUR" },
        },
      ],
      purchasingEntity: { customerId: `gid://shopify/Customer/${customer?.id}` },
      useCustomerDefaultAddress: true,
      appliedDiscount: { title: "Friend", value: 10, valueType: "PERCENTAGE" },
      shippingLine: { title: "Bike", priceWithCurrency: { amount: "5.00", currencyCode: "EUR" } },
      note: "By phone",
      tags: ["phone"],
    });
    expect(userErrors).toEqual([]);
    const lines = variant.price * 2 + 300;
    const off = Math.round(lines / 10);
    expect(draftOrder).toMatchObject({
      name: "#D1",
      status: "OPEN",
      email: customer?.email,
      order: null,
      subtotalPriceSet: { shopMoney: { amount: amount(lines - off) } },
      totalDiscountsSet: { shopMoney: { amount: amount(off) } },
      totalPriceSet: { shopMoney: { amount: amount(lines - off + 500) } },
      lineItems: {
        nodes: [
          { title: variant.product.title, quantity: 2, custom: false },
          { title: "Gift wrap", quantity: 1, custom: true },
        ],
      },
    });
    expect(shop.topics()).toEqual(["draft_orders/create"]);

    const completed = await complete(shop, draftOrder?.id ?? "");
    expect(completed.userErrors).toEqual([]);
    expect(completed.draftOrder).toMatchObject({
      status: "COMPLETED",
      order: {
        displayFinancialStatus: "PAID",
        sourceName: "shopify_draft_order",
        totalPriceSet: draftOrder?.totalPriceSet,
      },
    });
    expect(shop.topics()).toEqual(
      expect.arrayContaining([
        "orders/create",
        "orders/paid",
        "draft_orders/update",
        "inventory_levels/update",
      ]),
    );
    expectStockToMatchClaims(shop.shop);

    const again = await complete(shop, draftOrder?.id ?? "");
    expect(again.userErrors).toHaveLength(1);
    expect(shop.topics().filter((topic) => topic === "orders/create")).toHaveLength(1);
  });

  it("can be completed with the payment to come", async () => {
    const shop = bench();
    const { draftOrder } = await create(shop, {
      lineItems: [{ title: "Repair", quantity: 1, originalUnitPrice: "40" }],
    });
    const completed = await complete(shop, draftOrder?.id ?? "", true);
    expect(completed.draftOrder?.order?.displayFinancialStatus).toBe("PENDING");
  });

  it("send an invoice to somebody", async () => {
    const shop = bench();
    const { draftOrder } = await create(shop, {
      lineItems: [{ title: "Repair", quantity: 1, originalUnitPrice: "40" }],
    });
    expect((await invoice(shop, draftOrder?.id ?? "")).userErrors).toEqual([
      { field: ["email", "to"], message: "To can't be blank" },
    ]);
    const sent = await invoice(shop, draftOrder?.id ?? "", {
      to: "ada@example.com",
      subject: "Your repair",
    });
    expect(sent.draftOrder).toMatchObject({ status: "INVOICE_SENT", email: "ada@example.com" });
    expect(sent.draftOrder?.invoiceUrl).toMatch(/^https:\/\/nordlicht-outdoor\.myshopify\.com\//);
  });

  it("can be changed until they are completed, and thrown away", async () => {
    const shop = bench();
    const { draftOrder } = await create(shop, {
      lineItems: [{ title: "Repair", quantity: 1, originalUnitPrice: "40" }],
    });
    const id = draftOrder?.id ?? "";
    const changed = await run(
      shop,
      "draftOrderUpdate(id: $id, input: $input)",
      "$id: ID!, $input: DraftOrderInput!",
      {
        id,
        input: { lineItems: [{ title: "Repair", quantity: 3, originalUnitPrice: "40" }] },
      },
    );
    expect(changed.draftOrder?.totalPriceSet.shopMoney.amount).toBe("120.0");
    const deleted = await shop.run<{ draftOrderDelete: { deletedId: string } }>(
      "mutation($input: DraftOrderDeleteInput!) { draftOrderDelete(input: $input) { deletedId userErrors { message } } }",
      { input: { id } },
    );
    expect(deleted.draftOrderDelete.deletedId).toBe(id);
    expect(shop.topics().at(-1)).toBe("draft_orders/delete");
    expect(await shop.run("query($id: ID!) { draftOrder(id: $id) { id } }", { id })).toEqual({
      draftOrder: null,
    });
    expect((await complete(shop, id)).userErrors).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ["no line", { lineItems: [] }, "Add at least 1 product"],
    [
      "a quantity of nothing",
      { lineItems: [{ title: "x", quantity: 0, originalUnitPrice: "1" }] },
      "Quantity must be greater than or equal to 1",
    ],
    [
      "a variant that is gone",
      { lineItems: [{ variantId: "gid://shopify/ProductVariant/5", quantity: 1 }] },
      "Product with ID 5 is no longer available.",
    ],
    [
      "a line without a name",
      { lineItems: [{ quantity: 1, originalUnitPrice: "1" }] },
      "Title can't be blank",
    ],
    [
      "a negative price",
      { lineItems: [{ title: "x", quantity: 1, originalUnitPrice: "-1" }] },
      "Cannot be negative",
    ],
    [
      "a customer who is not there",
      {
        lineItems: [{ title: "x", quantity: 1 }],
        purchasingEntity: { customerId: "gid://shopify/Customer/5" },
      },
      "Customer does not exist",
    ],
    [
      "an address that is none",
      { lineItems: [{ title: "x", quantity: 1 }], email: "nobody" },
      "Email is invalid",
    ],
    [
      "a discount of more than everything",
      {
        lineItems: [{ title: "x", quantity: 1 }],
        appliedDiscount: { value: 120, valueType: "PERCENTAGE" },
      },
      "Value must be less than or equal to 100",
    ],
  ])("refuse %s", async (_what, input, message) => {
    const shop = bench({ orders: 20 });
    const { draftOrder, userErrors } = await create(shop, input);
    expect(draftOrder).toBeNull();
    expect(userErrors.map((error) => error.message)).toContain(message);
    expect(shop.shop.drafts.size).toBe(0);
  });

  it("are listed and counted", async () => {
    const shop = bench({ orders: 20 });
    for (let n = 0; n < 3; n++)
      await create(shop, {
        lineItems: [{ title: `Repair ${n}`, quantity: 1, originalUnitPrice: "40" }],
        tags: n ? ["late"] : [],
      });
    const data = await shop.run<{
      draftOrders: { nodes: { name: string }[] };
      draftOrdersCount: { count: number };
    }>(
      '{ draftOrders(first: 5, query: "tag:late status:open", reverse: true) { nodes { name } } draftOrdersCount { count } }',
    );
    expect(data.draftOrders.nodes.map((draft) => draft.name)).toEqual(["#D3", "#D2"]);
    expect(data.draftOrdersCount.count).toBe(3);
  });
});
