import { z } from "zod";
import { takenNumber } from "../../orders/taken-number.ts";
import { amount, idOf } from "../../shopify/fields.ts";
import { globalId, parseGlobalId } from "../../shopify/ids.ts";
import type { UserError } from "../../shopify/operations/user-error.ts";
import {
  completeDraft,
  createDraft,
  deleteDraft,
  draftById,
  searchDrafts,
  sendDraftInvoice,
  variantPrices,
  type DraftState,
} from "../../shopify/operations/draft-orders.ts";
import type { Attempt, Outcome, Sender } from "../sending.ts";
import { refusal } from "../words.ts";
import type { TakeInput } from "./input.ts";

/** The draft's own word for which command it belongs to; the tag by which it is searched is shorter. */
const OPERATION = "evenkeel_operation";

const variantNode = z.object({ id: idOf("ProductVariant"), price: amount });

/**
 * Makes a draft at Shopify, keeps its id, and has it become an order or its invoice sent. None of the three steps has
 * a key, so each is proved by reading:
 *
 * - after a lost answer a draft is found by its tag. Shopify's search is behind, so one that is not found is made
 *   again only after a late change had time to be applied and then to be found. Should a first one turn up even
 *   later, one of them is kept, and the other, which nobody has worked with, is deleted;
 * - the draft that is kept is read by its id before each further step, and says itself whether that has happened.
 */
export const takeOrder: Sender<TakeInput> = async (attempt) => {
  const { notes, uncertainSince, settleMs } = attempt;
  let draft: DraftState | null;
  if (notes.draft) {
    draft = notes.createdAgain
      ? await settleOnOne(attempt, notes.draft)
      : await read(attempt, notes.draft);
    if (!draft) return gone(attempt);
  } else {
    draft = uncertainSince ? await settleOnOne(attempt, null) : null;
    if (!draft && uncertainSince) {
      // As long again as it may take to be applied: the search's index has to hear of it, too.
      const since = latest(uncertainSince, notes.creatingAt);
      if (Date.now() - since < 2 * settleMs) return looking;
    }
    if (!draft) {
      const created = await create(attempt);
      if ("kind" in created) return created;
      draft = await read(attempt, created.id);
    }
  }
  if (!draft?.ready) return notReady;
  return attempt.input.payment === "paid" ? complete(attempt, draft) : invoice(attempt, draft);
};

async function create(attempt: Attempt<TakeInput>): Promise<{ readonly id: string } | Outcome> {
  const { admin, input, signal, commandId, uncertainSince } = attempt;
  const prices = await readPrices(attempt);
  const missing = input.lines.find(({ variantId }) => !prices.has(variantId));
  if (missing) {
    return refused(
      "variant",
      `Shopify no longer has ${nameOf(missing)}. Discard this order, and take it again without it.`,
      `quantity.${missing.variantId}`,
    );
  }
  await attempt.note({
    creatingAt: new Date().toISOString(),
    ...(uncertainSince ? { createdAgain: true } : {}),
  });
  // What is done after the job was taken away might be done twice.
  signal.throwIfAborted();
  attempt.sending();
  const { draftOrderCreate: answer } = await admin.request(
    createDraft,
    { input: draftOf(input, commandId, prices) },
    { signal },
  );
  const error = answer?.userErrors[0];
  if (error) return { kind: "refused", obstacle: refusal(error) };
  const id = answer?.draftOrder?.id;
  if (!id) return refused("empty", "Shopify made no order of this. Send it again, or discard it.");
  await attempt.note({ draft: id });
  return { id };
}

async function complete(attempt: Attempt<TakeInput>, draft: DraftState): Promise<Outcome> {
  const { admin, notes, signal } = attempt;
  if (draft.status === "COMPLETED") return become(draft, draft.order?.id);
  // Shopify makes one order of a draft, however often it is asked. It is given its time all the same.
  if (notes.finishingAt && mayYetHappen(attempt)) return looking;
  await attempt.note({ finishingAt: new Date().toISOString() });
  signal.throwIfAborted();
  attempt.sending();
  const { draftOrderComplete: answer } = await admin.request(
    completeDraft,
    { id: draft.id },
    { signal },
  );
  const error = answer?.userErrors[0];
  if (error) {
    // It may say no more than that somebody was faster.
    const now = await read(attempt, draft.id);
    return now?.status === "COMPLETED" ? become(now, now.order?.id) : refusedBy(error, draft);
  }
  return become(draft, answer?.draftOrder?.order?.id);
}

async function invoice(attempt: Attempt<TakeInput>, draft: DraftState): Promise<Outcome> {
  const { admin, signal } = attempt;
  if (draft.status === "COMPLETED") return become(draft, draft.order?.id);
  if (draft.invoiceSentAt !== null) return become(draft, undefined);
  // Each call sends another e-mail.
  if (mayYetHappen(attempt)) return looking;
  await attempt.note({ finishingAt: new Date().toISOString() });
  signal.throwIfAborted();
  attempt.sending();
  const { draftOrderInvoiceSend: answer } = await admin.request(
    sendDraftInvoice,
    { id: draft.id },
    { signal },
  );
  const error = answer?.userErrors[0];
  return error ? refusedBy(error, draft) : become(draft, undefined);
}

/** Whether an earlier attempt at the last step may still be under way at Shopify. */
function mayYetHappen({ notes, uncertainSince, settleMs }: Attempt<TakeInput>): boolean {
  return (
    uncertainSince !== null && Date.now() - latest(uncertainSince, notes.finishingAt) < settleMs
  );
}

function latest(moment: Date, other: string | null | undefined): number {
  return Math.max(moment.getTime(), other ? Date.parse(other) : 0);
}

/** What has become of the command: an order where there is one, else the draft. */
function become(draft: DraftState, order: string | null | undefined): Outcome {
  const id = order ? parseGlobalId(order)?.id : undefined;
  return id === undefined
    ? { kind: "done", created: draft.id, reread: null }
    : { kind: "done", created: globalId("Order", id), reread: { kind: "order", id } };
}

/**
 * Finds the drafts of this command and settles on one: one that has become an order before all others, then the one
 * that is known, then the oldest. The others are deleted, unless somebody has worked with them.
 */
async function settleOnOne(
  attempt: Attempt<TakeInput>,
  known: string | null,
): Promise<DraftState | null> {
  const { admin, input, signal, commandId } = attempt;
  const { draftOrders } = await admin.request(
    searchDrafts,
    { query: `tag:'${takenNumber(input.id)}'` },
    { signal },
  );
  const ids = new Set([...(known ? [known] : []), ...draftOrders.nodes.map(({ id }) => id)]);
  const drafts: DraftState[] = [];
  for (const id of ids) {
    const draft = await read(attempt, id);
    const ours = draft?.customAttributes.some(
      ({ key, value }) => key === OPERATION && value === commandId,
    );
    if (draft && ours) drafts.push(draft);
  }
  const kept = drafts.find(({ status }) => status === "COMPLETED") ?? drafts[0];
  if (!kept) return null;
  if (kept.id !== known) await attempt.note({ draft: kept.id });
  for (const other of drafts) {
    if (other === kept || other.status !== "OPEN") continue;
    signal.throwIfAborted();
    // Deleting what is gone already is refused, and that is as well.
    await admin.request(deleteDraft, { id: other.id }, { signal });
  }
  return kept;
}

async function read({ admin, signal }: Attempt<TakeInput>, id: string): Promise<DraftState | null> {
  return (await admin.request(draftById, { id }, { signal })).draftOrder;
}

/** What the order's variants cost at Shopify now; those that are gone are missing. */
async function readPrices({
  admin,
  input,
  signal,
}: Attempt<TakeInput>): Promise<Map<number, string>> {
  const { nodes } = await admin.request(
    variantPrices,
    { ids: input.lines.map(({ variantId }) => globalId("ProductVariant", variantId)) },
    { signal },
  );
  return new Map(
    nodes
      .filter((node) => node !== null)
      .map((node) => variantNode.parse(node))
      .map(({ id, price }) => [id, price]),
  );
}

function draftOf(input: TakeInput, commandId: string, prices: ReadonlyMap<number, string>) {
  const { lines, currency, customer, shippingAddress, discount, shipping, note } = input;
  return {
    lineItems: lines.map(({ variantId, quantity, unitPrice }) => {
      const agreed = amount.parse(unitPrice);
      return {
        variantId: globalId("ProductVariant", variantId),
        quantity,
        // What was agreed with the customer stands, whatever it costs by now.
        ...(prices.get(variantId) === agreed
          ? {}
          : { priceOverride: { amount: agreed, currencyCode: currency } }),
      };
    }),
    ...(customer?.id
      ? { purchasingEntity: { customerId: globalId("Customer", customer.id) } }
      : {}),
    email: customer?.email ?? null,
    note,
    tags: [takenNumber(input.id)],
    customAttributes: [
      { key: OPERATION, value: commandId },
      // A draft has no place of its own for the name of somebody without an address.
      ...(customer?.name && !customer.id && !shippingAddress
        ? [{ key: "Customer", value: customer.name }]
        : []),
    ],
    ...(shippingAddress ? { shippingAddress: addressOf(shippingAddress, customer?.name) } : {}),
    ...(shipping
      ? {
          shippingLine: {
            title: shipping.title,
            priceWithCurrency: { amount: shipping.price, currencyCode: currency },
          },
        }
      : {}),
    ...(discount
      ? {
          appliedDiscount: {
            title: discount.reason ?? "Discount",
            value: Number(discount.value),
            valueType:
              discount.kind === "percent" ? ("PERCENTAGE" as const) : ("FIXED_AMOUNT" as const),
          },
        }
      : {}),
  };
}

function addressOf(
  {
    name,
    company,
    address1,
    address2,
    zip,
    city,
    provinceCode,
    countryCode,
    phone,
  }: NonNullable<TakeInput["shippingAddress"]>,
  customer: string | null | undefined,
) {
  const words = (name ?? customer ?? "").split(/\s+/u).filter(Boolean);
  return {
    firstName: words.slice(0, -1).join(" ") || null,
    lastName: words.at(-1) ?? null,
    company,
    address1,
    address2,
    zip,
    city,
    provinceCode,
    countryCode,
    phone,
  };
}

/** The draft was deleted in Shopify. Whoever sends the order again has a new one made. */
async function gone(attempt: Attempt<TakeInput>): Promise<Outcome> {
  const finishing = attempt.notes.finishingAt;
  await attempt.note({ draft: null, finishingAt: null });
  return finishing
    ? refused(
        "draft-gone",
        `The draft of this order was deleted in Shopify, perhaps after it had become an order. Look in Shopify for an order tagged ${takenNumber(attempt.input.id)}: if there is none, send this again, else discard it.`,
      )
    : refused(
        "draft-gone",
        "The draft of this order was deleted in Shopify. Send it again to have a new one made, or discard it.",
      );
}

function refused(code: string, message: string, field?: string): Outcome {
  return {
    kind: "refused",
    obstacle: { code: `refused:${code}`, message, ...(field ? { field } : {}) },
  };
}

function refusedBy(error: UserError, { name }: DraftState): Outcome {
  const { code, message } = refusal(error);
  return refused(
    code.replace("refused:", ""),
    `${message.replace(/\.?$/, ".")} It is in Shopify as the draft ${name}, and not lost.`,
  );
}

function nameOf({ title, variantTitle }: TakeInput["lines"][number]): string {
  return variantTitle ? `${title} (${variantTitle})` : title;
}

const looking: Outcome = {
  kind: "wait",
  // Since the last attempt, not since this look.
  uncertain: false,
  obstacle: {
    code: "unknown",
    message:
      "Shopify's answer was lost. Evenkeel looks whether it has your order before it sends it again.",
  },
};

const notReady: Outcome = {
  kind: "wait",
  uncertain: false,
  obstacle: { code: "unavailable", message: "Shopify is still working on this order." },
};
